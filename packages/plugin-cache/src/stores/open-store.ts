import { dirname, resolve } from "node:path";
import { makeFolder } from "@mlmcp/core";
import { GuardedStore, type GuardOptions } from "./guard/guarded-store.js";
import { KeyvStore, type AnyAdapter } from "./keyv-store.js";
import { LateStore } from "./late-store.js";
import { locate } from "./location.js";
import { NativeBindingError } from "./sqlite/binding.js";
import type { Store } from "./store.js";

/** A store as the configuration names it. */
export type StoreSetting = string | AnyAdapter;

/** The file of a `sqlite://` URL; relative ones start at `cwd`. `undefined` for other stores. */
export function sqliteFile(setting: StoreSetting, cwd: string): string | undefined {
  if (typeof setting !== "string" || !setting.startsWith("sqlite://")) return undefined;
  return resolve(cwd, setting.slice("sqlite://".length));
}

/** What reports call a store: no credentials. */
export function storeName(setting: StoreSetting, cwd: string): string {
  if (typeof setting !== "string") return `a Keyv adapter (${setting.constructor?.name ?? "an object"})`;
  const file = sqliteFile(setting, cwd);
  if (file !== undefined) return `sqlite://${file}`;
  return locate(setting)?.name ?? setting;
}

/** What the section `cache` says of a store that it names. */
export interface StoreOptions {
  /** Keeps several caches on one store apart. @default "" */
  readonly prefix?: string | undefined;
  /** For embedded files. @default no bound */
  readonly maxFileBytes?: number | undefined;
  /** How long a call waits for the store. Milliseconds. @default 250 */
  readonly timeout?: number | undefined;
}

/** Who is told what becomes of a store. */
export type StoreListener = Pick<GuardOptions, "onError" | "onDown" | "onUp" | "onDeaf">;

/**
 * Opens the store that the configuration names, guarded; `undefined` for `memory:`. What it needs,
 * such as native code or an optional package, loads only here. A server that does not answer, or
 * whatever else may pass, is no reason to fail: the guard waits for it, and what is `unopened` says why.
 *
 * @throws NativeBindingError, which stays as long as the process does; what an adapter fails with
 */
export async function openStore(
  setting: StoreSetting,
  cwd: string,
  listener: StoreListener,
  { timeout = 250, ...options }: StoreOptions = {},
): Promise<GuardedStore | undefined> {
  if (setting === "memory:") return undefined;
  // What goes wrong before there is a guard is a part of the outage that it may see.
  const early: unknown[] = [];
  let notice = (error: unknown): void => void early.push(error);
  const open = (): Promise<Store> =>
    openBare(setting, cwd, { ...options, onError: (error) => notice(error) });
  const store = await open().catch((error: unknown) => {
    if (error instanceof NativeBindingError || typeof setting !== "string") throw error;
    early.length = 0;
    return new LateStore(storeName(setting, cwd), open, error);
  });
  const guarded = new GuardedStore(store, { timeout, ...listener });
  notice = (error) => guarded.notice(error);
  early.forEach(notice);
  return guarded;
}

async function openBare(
  setting: StoreSetting,
  cwd: string,
  options: StoreOptions & { onError(error: unknown): void },
): Promise<Store> {
  if (typeof setting !== "string") return new KeyvStore(storeName(setting, cwd), setting, options);
  const location = locate(setting);
  if (location?.kind === "redis") {
    const { RedisStore } = await import("./redis/redis-store.js");
    return RedisStore.open(location, options);
  }
  if (location?.kind === "postgres") {
    const { PostgresStore } = await import("./postgres/postgres-store.js");
    return PostgresStore.open(location, options);
  }
  const file = sqliteFile(setting, cwd)!;
  // Where the file system takes no folders, what the store does by itself, without the core, would never end.
  await makeFolder(dirname(file));
  const { SqliteStore } = await import("./sqlite/sqlite-store.js");
  return SqliteStore.open(file, options);
}
