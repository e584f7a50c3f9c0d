import { resolve } from "node:path";
import { KeyvStore, type AnyAdapter } from "./keyv-store.js";
import type { Store } from "./store.js";

/** A store as the configuration names it. */
export type StoreSetting = string | AnyAdapter;

/** The file of a `sqlite://` URL; relative ones start at `cwd`. `undefined` for other stores. */
export function sqliteFile(setting: StoreSetting, cwd: string): string | undefined {
  if (typeof setting !== "string" || !setting.startsWith("sqlite://")) return undefined;
  return resolve(cwd, setting.slice("sqlite://".length));
}

/** What reports call a store. */
export function storeName(setting: StoreSetting, cwd: string): string {
  if (typeof setting !== "string") return `a Keyv adapter (${setting.constructor.name})`;
  const file = sqliteFile(setting, cwd);
  return file === undefined ? setting : `sqlite://${file}`;
}

/**
 * Opens the store that the configuration names; `undefined` for `memory:`. SQLite, which is
 * native code, loads only here.
 *
 * @throws whatever keeps the store from opening.
 */
export async function openStore(
  setting: StoreSetting,
  cwd: string,
  onError: (error: unknown) => void,
): Promise<Store | undefined> {
  if (setting === "memory:") return undefined;
  const adapter = typeof setting === "string" ? await openSqlite(sqliteFile(setting, cwd)!) : setting;
  return new KeyvStore(storeName(setting, cwd), adapter, onError);
}

async function openSqlite(file: string): Promise<AnyAdapter> {
  const { SqliteAdapter } = await import("./sqlite-adapter.js");
  return SqliteAdapter.open(file);
}
