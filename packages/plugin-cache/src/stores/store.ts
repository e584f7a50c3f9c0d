/** One entry, as stores keep it. */
export interface StoredEntry {
  /** Whose result it is: an operation's id. */
  readonly operation: string;
  /** What the codec made; nothing that a store looks into. */
  readonly bytes: Uint8Array;
  /** When the store may drop it, which is later than when it is no longer fresh. Milliseconds since the epoch. */
  readonly expires: number;
  /**
   * The token of the lock under which it was made: the store takes it only as long as that lock has
   * neither been ended nor gone over to somebody else, and ends it with that. 0 where the store has no
   * locks. Without one it was made by hand.
   */
  readonly fence?: number;
}

/** What is told of an entry without its bytes. */
export interface EntryInfo {
  readonly key: string;
  readonly operation: string;
  /** In the store. */
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** The tier behind the memory. Every method rejects where the store fails. */
export interface Store {
  /** For messages and reports: a URL, without credentials. */
  readonly name: string;
  get(key: string): Promise<StoredEntry | undefined>;
  /** The entries of several keys, in their order. */
  getMany(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]>;
  /**
   * Where the entry was made by hand, ends the lock of the key first: what is being made under it is
   * older. Once the entry is there, whoever listens to {@link changes} is told.
   */
  set(key: string, entry: StoredEntry): Promise<void>;
  /** Ends the lock of the key first, and tells, likewise. Answers whether there was something to delete, where the store knows. */
  delete(key: string): Promise<boolean>;
  /** Deletes all entries. What `versions` holds stays. */
  clear(): Promise<void>;
  /** The versions of tags, in the order of their names; `undefined` for those never set. */
  versions(names: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** Tells, likewise. */
  setVersion(name: string, version: string): Promise<void>;
  /** Entries that have not expired, by operation; `undefined` where the store cannot tell. */
  count(): Promise<Map<string, number> | undefined>;
  /** Rejects where the store does not answer. */
  ping(): Promise<void>;
  /** Of a store that could not be opened so far: why. @default it is open */
  readonly unopened?: { readonly reason: unknown } | undefined;
  /** Tries to open what could not be. Rejects where it still cannot; missing where it always can. */
  reopen?(): Promise<void>;
  /** Finishes what has been accepted, then lets go of everything that the store opened. */
  close(): Promise<void>;

  /** Deletes what has expired and answers how many; missing where the store does so by itself or cannot. */
  deleteExpired?(): Promise<number>;
  /** All entries, expired ones included, in no particular order; what is deleted meanwhile skips no other. */
  entries?(filter?: { readonly operation?: string }): AsyncIterable<EntryInfo>;
  /** Locks that all processes on the store respect. */
  readonly locks?: StoreLocks;
  /** What other processes on the store have changed. */
  readonly changes?: ChangeFeed;
  /** What can be done to the file of an embedded store. */
  readonly file?: StoreFile;
}

/** How long after its time a lock that nobody has taken since is good for a write, unless it is ended. Milliseconds. */
export const lockKeptMs = 3_600_000;

export interface StoreLocks {
  /**
   * Takes the lock of a key, unless somebody else has it. Does not wait for it. Where answers can be
   * lost on their way, what this store itself has of the key ends: nobody may know of it.
   */
  acquire(key: string, ttl: number): Promise<Acquired>;
}

export interface Acquired {
  /** `undefined` where somebody else has it. */
  readonly lock: StoreLock | undefined;
  /** What the store has of the key now: who had the lock before may have left it. */
  readonly entry: StoredEntry | undefined;
}

export interface StoreLock {
  /** Greater than that of every earlier holder of this key's lock. */
  readonly fence: number;
  /** Keeps it for `ttl` milliseconds more; `false` where it was lost. */
  extend(ttl: number): Promise<boolean>;
  /**
   * Lets others have it. Without effect where it was lost.
   *
   * @param writing the entry is still on its way: it is taken until somebody else has the lock, or this
   * is called once more without. @default false
   */
  release(writing?: boolean): Promise<void>;
}

/** Something that makes what other processes hold in memory outdated. */
export type Change =
  /** An entry was set or deleted by hand. */
  | { readonly kind: "key"; readonly key: string }
  /** A tag has another version. */
  | { readonly kind: "version"; readonly name: string; readonly version: string };

/** Tells of what other processes change. */
export interface ChangeFeed {
  /** How late others may learn of a change. Milliseconds. */
  readonly latency: number;
  /** Changes of this process itself are not told. @returns what ends it */
  subscribe(listener: ChangeListener): Promise<() => Promise<void>>;
}

export interface ChangeListener {
  changed(change: Change): void;
  /** Some changes may have been missed, such as while a connection was lost. */
  missed(): void;
  /**
   * Nothing is told for now (`false`, possibly several times, each with why), or everything is again (`true`),
   * where what was changed meanwhile was missed. @default nobody is told, who listens is always told everything
   */
  listening?(on: boolean, reason?: unknown): void;
  /** Nothing will be told: where it could be asked only later, the store lets nobody listen. */
  refused?(error: unknown): void;
}

export interface StoreFile {
  /** Absolute. */
  readonly path: string;
  /** Bytes of the file, and of those the ones that hold nothing. */
  size(): Promise<{ readonly bytes: number; readonly freeBytes: number }>;
  /** What is wrong with it, a line each; none where it is sound. */
  verify(): Promise<readonly string[]>;
  /** Writes a copy of it while it is in use. @param progress told the share that is done, 0 to 1 */
  backup(to: string, progress?: (share: number) => void): Promise<void>;
  /** Puts a copy of a backup in its place, while it is in use. Rejects, and changes nothing, where that is not sound. */
  restore(from: string): Promise<void>;
  /** Gives free pages back to the file system; answers how many bytes. */
  shrink(): Promise<number>;
}
