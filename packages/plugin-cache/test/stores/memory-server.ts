import type {
  Change,
  ChangeFeed,
  ChangeListener,
  Store,
  StoredEntry,
  StoreLock,
  StoreLocks,
} from "../../src/stores/store.js";

export interface MemoryServerOptions {
  /** What every command takes. Milliseconds. @default it answers in the same turn */
  readonly latency?: number;
  /** How late others learn of a change. Milliseconds. @default 0, in the same turn */
  readonly changesAfter?: number;
  /** @default true */
  readonly locks?: boolean;
  /** @default true */
  readonly changes?: boolean;
}

/** The state of a store that several processes use. Each {@link connect} stands for one process. */
export class MemoryServer {
  readonly entries = new Map<string, StoredEntry>();
  readonly tags = new Map<string, string>();
  readonly commands: string[] = [];
  /** Commands that fail, such as `get`. */
  readonly failing = new Set<string>();
  readonly #locks = new Map<string, { readonly fence: number; until: number }>();
  readonly #listeners = new Map<ChangeListener, Store>();
  readonly #options: MemoryServerOptions;
  latency: number;
  #fence = 0;
  #isMute = false;

  constructor(options: MemoryServerOptions = {}) {
    this.#options = options;
    this.latency = options.latency ?? 0;
  }

  connect(): Store {
    const { locks = true, changes = true } = this.#options;
    const store: Store = {
      name: "memory-server",
      get: (key) => this.#do("get", () => this.#live(key)),
      getMany: (keys) => this.#do("getMany", () => keys.map((key) => this.#live(key))),
      set: (key, entry) =>
        this.#do("set", () => {
          if (entry.fence !== undefined && locks && this.#locks.get(key)?.fence !== entry.fence) return;
          this.#locks.delete(key);
          this.entries.set(key, entry);
          if (entry.fence === undefined) this.#tell({ kind: "key", key }, store);
        }),
      delete: (key) =>
        this.#do("delete", () => {
          this.#locks.delete(key);
          this.#tell({ kind: "key", key }, store);
          return this.entries.delete(key);
        }),
      clear: () => this.#do("clear", () => this.entries.clear()),
      versions: (names) =>
        this.#do(`versions ${names.join(",")}`, () => names.map((name) => this.tags.get(name))),
      setVersion: (name, version) =>
        this.#do(`setVersion ${name}`, () => {
          this.tags.set(name, version);
          this.#tell({ kind: "version", name, version }, store);
        }),
      count: async () => undefined,
      ping: () => this.#do("ping", () => undefined),
      close: async () => {
        for (const [listener, whose] of this.#listeners)
          if (whose === store) this.#listeners.delete(listener);
      },
      ...(locks && { locks: this.#locksOf() }),
      ...(changes && { changes: this.#changesOf(() => store) }),
    };
    return store;
  }

  /** Cuts every feed for a moment. */
  loseChanges(): void {
    for (const listener of this.#listeners.keys()) listener.missed();
  }

  /** Tells nobody of anything, until {@link hear}. */
  deafen(reason: unknown = new Error("nobody may listen")): void {
    this.#isMute = true;
    for (const listener of this.#listeners.keys()) listener.listening?.(false, reason);
  }

  hear(): void {
    this.#isMute = false;
    for (const listener of this.#listeners.keys()) listener.listening?.(true);
  }

  get listening(): number {
    return this.#listeners.size;
  }

  get locked(): number {
    return [...this.#locks.values()].filter(({ until }) => until > Date.now()).length;
  }

  #live(key: string): StoredEntry | undefined {
    const entry = this.entries.get(key);
    return entry && entry.expires > Date.now() ? entry : undefined;
  }

  #locksOf(): StoreLocks {
    return {
      acquire: (key, ttl) =>
        this.#do("acquire", () => {
          const entry = this.#live(key);
          if ((this.#locks.get(key)?.until ?? 0) > Date.now()) return { lock: undefined, entry };
          const held = { fence: ++this.#fence, until: Date.now() + ttl };
          this.#locks.set(key, held);
          return { lock: this.#lock(key, held), entry };
        }),
    };
  }

  #lock(key: string, held: { readonly fence: number; until: number }): StoreLock {
    const isMine = (): boolean => this.#locks.get(key) === held && held.until > Date.now();
    return {
      fence: held.fence,
      extend: (ttl) =>
        this.#do("extend", () => {
          if (!isMine()) return false;
          held.until = Date.now() + ttl;
          return true;
        }),
      release: (writing = false) =>
        this.#do("release", () => {
          if (writing) held.until = 0;
          else if (this.#locks.get(key) === held) this.#locks.delete(key);
        }),
    };
  }

  #changesOf(own: () => Store): ChangeFeed {
    return {
      latency: this.#options.changesAfter ?? 0,
      subscribe: (listener) =>
        this.#do("subscribe", () => {
          this.#listeners.set(listener, own());
          return async () => void this.#listeners.delete(listener);
        }),
    };
  }

  /** Once it is there. */
  #tell(change: Change, by: Store): void {
    const { changesAfter = 0 } = this.#options;
    if (this.#isMute) return;
    const tell = (): void => {
      for (const [listener, store] of this.#listeners) if (store !== by) listener.changed(change);
    };
    if (changesAfter > 0) setTimeout(tell, changesAfter);
    else queueMicrotask(tell);
  }

  async #do<T>(command: string, run: () => T): Promise<T> {
    this.commands.push(command);
    if (this.latency > 0) await new Promise((resolve) => setTimeout(resolve, this.latency));
    if (this.failing.has(command.split(" ")[0]!)) throw new Error(`${command} failed`);
    return run();
  }
}
