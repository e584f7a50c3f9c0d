import { Keyv, type KeyvStoreAdapter } from "keyv";
import { everything, newVersion } from "../tags/names.js";
import type { Store, StoredEntry } from "./store.js";
import { within } from "./time-limit.js";

/** An adapter, or a Map or a Keyv in its place, as `new Keyv({ store })` takes them. */
export type AnyAdapter = KeyvStoreAdapter | Keyv | Map<string, unknown>;

export interface KeyvStoreOptions {
  /** Keeps several caches on one adapter apart. @default "" */
  readonly prefix?: string | undefined;
  /** Told of errors that no caller waits for, such as a lost connection. */
  onError(error: unknown): void;
}

/** What an object lacks that is to be a store, the rest of a sentence; nothing where it lacks nothing. */
export function problemOfAdapter(given: unknown): string | undefined {
  const missing = (["get", "set", "delete", "clear"] as const).filter(
    (name) => typeof (given as Record<string, unknown>)[name] !== "function",
  );
  if (missing.length === 0) return undefined;
  const list = missing.join(", ").replace(/, (\w+)$/, " and $1");
  return `is an object that has no function${missing.length > 1 ? "s" : ""} ${list}. Give a Keyv adapter, a Keyv, a Map, or a URL`;
}

/** What is asked: the adapter itself, also where a Keyv was given. */
type Asked = KeyvStoreAdapter | Map<string, unknown>;

const closeMs = 5_000;
/** Deletes at a time. */
const page = 64;

/** Adapters that had no namespace of their own: caches with several prefixes may share one. */
const unnamed = new WeakSet<object>();

/**
 * Any Keyv adapter as a store. It is asked directly, since a Keyv takes errors for misses. Entries
 * are JSON texts under keys that begin with the adapter's namespace, `mlmcp` where it has none. It
 * stays open at `close`: whoever made it may use it elsewhere.
 */
export class KeyvStore implements Store {
  readonly name: string;
  readonly #adapter: Asked;
  readonly #onError: (error: unknown) => void;
  readonly #root: string;
  readonly #writes = new Set<Promise<unknown>>();
  /** Given to everything since the last clear. */
  #everything: string | undefined;

  constructor(name: string, given: AnyAdapter, { prefix = "", onError }: KeyvStoreOptions) {
    const adapter = adapterOf(given);
    this.name = name;
    this.#adapter = adapter;
    this.#onError = onError;
    const own = prefix === "" ? "mlmcp" : `mlmcp.${prefix}`;
    if (namespaceOf(adapter) === undefined) {
      unnamed.add(adapter);
      // What adapters clear. Not by assignment: one that is part of a configuration may be frozen with it.
      if (!(adapter instanceof Map)) Reflect.set(adapter, "namespace", own);
    }
    this.#root = unnamed.has(adapter) ? own : namespaceOf(adapter)!;
    if (isEmitter(adapter)) adapter.on("error", onError);
  }

  async get(key: string): Promise<StoredEntry | undefined> {
    return toEntry(await this.#adapter.get(this.#keyOf(key)));
  }

  async getMany(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    return (await this.#readMany(keys.map((key) => this.#keyOf(key)))).map(toEntry);
  }

  async set(key: string, { operation, bytes, expires }: StoredEntry): Promise<void> {
    const ttl = Math.max(1, expires - Date.now());
    const text = JSON.stringify({ o: operation, b: Buffer.from(bytes).toString("base64"), e: expires });
    await this.#write(async () => this.#adapter.set(this.#keyOf(key), text, ttl));
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#write(async () => this.#adapter.delete(this.#keyOf(key)))) === true;
  }

  /** With the versions, which adapters cannot tell apart; so everything gets another one, if it has not just got it. */
  async clear(): Promise<void> {
    await this.#write(async () => (this.#clearsOwn() ? this.#adapter.clear() : this.#deleteEntries()));
    await this.setVersion(everything, this.#everything ?? newVersion());
    this.#everything = undefined;
  }

  async versions(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    const found = await this.#readMany(names.map((name) => this.#versionKeyOf(name)));
    return found.map((version) => this.#toVersion(version));
  }

  async setVersion(name: string, version: string): Promise<void> {
    if (name === everything) this.#everything = version;
    await this.#write(async () => this.#adapter.set(this.#versionKeyOf(name), version));
  }

  /** Adapters cannot tell. */
  async count(): Promise<undefined> {
    return undefined;
  }

  async ping(): Promise<void> {
    await this.#adapter.get(`${this.#root}:ping`);
  }

  async close(): Promise<void> {
    await within(closeMs, Promise.allSettled(this.#writes)).catch(() => undefined);
    if (isEmitter(this.#adapter)) this.#adapter.off?.("error", this.#onError);
  }

  #keyOf(key: string): string {
    return `${this.#root}:${key}`;
  }

  /** No key of an entry has a slash. */
  #versionKeyOf(name: string): string {
    return `${this.#root}:version/${name}`;
  }

  /**
   * Whether the adapter's own clear can be relied on to delete nothing of others: it goes by the
   * namespace, which some take for a pattern (in SQL's LIKE `a_` is `ab` too), and a Map has none.
   */
  #clearsOwn(): boolean {
    if (this.#adapter instanceof Map || /[^\w.:-]|_/.test(this.#root)) return false;
    return namespaceOf(this.#adapter) === this.#root;
  }

  /** Those that an adapter cannot list stay until they expire. */
  async #deleteEntries(): Promise<void> {
    const adapter = this.#adapter;
    const listed = adapter instanceof Map ? adapter : (adapter.iterator?.(this.#root) ?? []);
    const keys: string[] = [];
    for await (const [key] of listed as AsyncIterable<[string, unknown]>)
      if (key.startsWith(this.#keyOf("")) && !key.startsWith(this.#versionKeyOf(""))) keys.push(key);
    while (keys.length > 0)
      await Promise.all(keys.splice(-page).map(async (key) => adapter.delete(key) as unknown));
  }

  /** @throws Error for what was not kept as it was: taken for nothing it would make outdated entries valid */
  #toVersion(found: unknown): string | undefined {
    const version = toText(found);
    if (version === undefined || typeof version === "string") return version;
    throw new Error(
      `${this.name} answered a ${typeof version} where the text of a version had been set: give an adapter that answers what it was given`,
    );
  }

  async #readMany(keys: string[]): Promise<unknown[]> {
    const adapter = this.#adapter;
    if (!(adapter instanceof Map) && adapter.getMany) return adapter.getMany(keys);
    return Promise.all(keys.map(async (key) => adapter.get(key) as unknown));
  }

  async #write<T>(start: () => Promise<T>): Promise<T> {
    const write = start();
    this.#writes.add(write);
    try {
      return await write;
    } finally {
      this.#writes.delete(write);
    }
  }
}

interface Emitter {
  on(event: "error", listener: (error: unknown) => void): unknown;
  off?(event: "error", listener: (error: unknown) => void): unknown;
}

function isEmitter(adapter: object): adapter is Emitter {
  return typeof (adapter as Partial<Emitter>).on === "function";
}

/** That of a Keyv, also of one from another copy of the package. */
function adapterOf(given: AnyAdapter): Asked {
  return given instanceof Keyv || ("hooks" in given && "store" in given) ? (given.store as Asked) : given;
}

function namespaceOf(adapter: Asked): string | undefined {
  return ("namespace" in adapter && (adapter.namespace as string)) || undefined;
}

/** Some adapters answer bytes; `undefined` for nothing. */
function toText(found: unknown): unknown {
  if (found instanceof Uint8Array) return Buffer.from(found).toString();
  return found ?? undefined;
}

/** `undefined` also for what somebody else wrote, and for what a Map has kept too long. */
function toEntry(found: unknown): StoredEntry | undefined {
  const text = toText(found);
  try {
    // Some adapters parse what looks like JSON.
    const { o, b, e } = (typeof text === "string" ? JSON.parse(text) : text) as Record<string, unknown>;
    if (typeof o !== "string" || typeof b !== "string" || typeof e !== "number" || e <= Date.now())
      return undefined;
    return { operation: o, bytes: Buffer.from(b, "base64"), expires: e };
  } catch {
    return undefined;
  }
}
