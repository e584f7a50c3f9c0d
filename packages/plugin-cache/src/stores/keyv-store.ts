import { Keyv, type KeyvStoreAdapter } from "keyv";
import type { Store, StoredEntry } from "./store.js";

/** What an adapter of ours can do beyond Keyv's interface. */
export interface NativeAdapter extends KeyvStoreAdapter {
  /** Keeps `{ value: { operation, bytes }, expires }` as it is, bytes as bytes. */
  readonly native: true;
  count(): Promise<Map<string, number>>;
  ping(): Promise<void>;
  /** The end is near: nothing waits for another process's lock any longer. */
  hurry(): void;
}

type Payload = Pick<StoredEntry, "operation" | "bytes">;
interface Wire {
  readonly value?: Payload;
  readonly expires?: number;
}

/** An adapter, or a Map or another Keyv in its place, as `new Keyv({ store })` takes them. */
export type AnyAdapter = KeyvStoreAdapter | Keyv | Map<string, unknown>;

/**
 * Any Keyv adapter as a store. Native ones get the entries as they are. Others get JSON texts
 * under keys that begin with `mlmcp:`, and stay open at `close`: whoever made them may use them
 * elsewhere.
 */
export class KeyvStore implements Store {
  readonly #adapter: AnyAdapter;
  readonly #keyv: Keyv;
  readonly #onError: (error: unknown) => void;
  readonly #writes = new Set<Promise<unknown>>();

  /** @param onError told of errors that no caller waits for, such as a lost connection. */
  constructor(
    readonly name: string,
    adapter: AnyAdapter,
    onError: (error: unknown) => void,
  ) {
    this.#adapter = adapter;
    this.#onError = onError;
    const native = isNative(adapter);
    this.#keyv = new Keyv({
      store: native ? adapter : withoutListeners(adapter),
      namespace: "mlmcp",
      useKeyPrefix: !native,
      // Otherwise a failed read is a miss and a failed write is nothing at all.
      throwOnErrors: true,
      emitErrors: false,
      // Native adapters are given what Keyv would serialise.
      serialize: native ? undefined : (toText as never),
      deserialize: native ? undefined : (fromText as never),
    });
    if (isEmitter(adapter)) adapter.on("error", onError);
  }

  async get(key: string): Promise<StoredEntry | undefined> {
    const found = (await this.#keyv.get(key, { raw: true })) as Wire | undefined;
    if (found?.value === undefined || found.expires === undefined) return undefined;
    return { ...found.value, expires: found.expires };
  }

  async set(key: string, { operation, bytes, expires }: StoredEntry): Promise<void> {
    const ttl = expires - Date.now();
    if (ttl > 0) await this.#write(this.#keyv.set(key, { operation, bytes } satisfies Payload, ttl));
  }

  delete(key: string): Promise<boolean> {
    return this.#write(this.#keyv.delete(key));
  }

  clear(): Promise<void> {
    return this.#write(this.#keyv.clear());
  }

  async count(): Promise<Map<string, number> | undefined> {
    return isNative(this.#adapter) ? this.#adapter.count() : undefined;
  }

  async ping(): Promise<void> {
    if (isNative(this.#adapter)) await this.#adapter.ping();
    else await this.#keyv.get("ping");
  }

  async close(): Promise<void> {
    if (isNative(this.#adapter)) this.#adapter.hurry();
    await Promise.allSettled(this.#writes);
    if (isNative(this.#adapter)) await this.#keyv.disconnect();
    if (isEmitter(this.#adapter)) this.#adapter.off("error", this.#onError);
  }

  /** Keyv gives a write to its adapter only some turns later, so that the adapter alone cannot know of all. */
  async #write<T>(write: Promise<T>): Promise<T> {
    this.#writes.add(write);
    try {
      return await write;
    } finally {
      this.#writes.delete(write);
    }
  }
}

/** Keyv listens to an adapter and never stops, so that one that outlives a kernel would gather listeners. */
function withoutListeners(adapter: AnyAdapter): object {
  return {
    opts: "opts" in adapter ? (adapter.opts as unknown) : {},
    get: (key: string) => adapter.get(key),
    set: (key: string, value: unknown, ttl?: number) => adapter.set(key, value, ttl),
    delete: (key: string) => adapter.delete(key),
    clear: () => adapter.clear(),
    /** Adapters clear what stands under it. */
    set namespace(namespace: string) {
      // Not by assignment: an adapter that is part of a configuration may be frozen with it.
      Reflect.set(adapter, "namespace", namespace);
    },
  };
}

interface Emitter {
  on(event: "error", listener: (error: unknown) => void): unknown;
  off(event: "error", listener: (error: unknown) => void): unknown;
}

function isEmitter(adapter: object): adapter is Emitter {
  const { on, off } = adapter as Partial<Emitter>;
  return typeof on === "function" && typeof off === "function";
}

function isNative(adapter: object): adapter is NativeAdapter {
  return "native" in adapter;
}

function toText({ value, expires }: Wire): string {
  return JSON.stringify({ o: value!.operation, b: Buffer.from(value!.bytes).toString("base64"), e: expires });
}

function fromText(text: string): Wire {
  const { o, b, e } = JSON.parse(text) as { o: string; b: string; e: number };
  return { value: { operation: o, bytes: Buffer.from(b, "base64") }, expires: e };
}
