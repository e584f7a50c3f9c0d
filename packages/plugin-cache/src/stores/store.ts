/** One entry, as stores keep it. */
export interface StoredEntry {
  /** Whose result it is: an operation's id. */
  readonly operation: string;
  readonly bytes: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** The tier behind the memory. Every method rejects where the store fails. */
export interface Store {
  /** For messages and reports: a URL, without credentials. */
  readonly name: string;
  get(key: string): Promise<StoredEntry | undefined>;
  set(key: string, entry: StoredEntry): Promise<void>;
  /** Answers whether there was something to delete, where the store knows. */
  delete(key: string): Promise<boolean>;
  clear(): Promise<void>;
  /** Entries that have not expired, by operation; `undefined` where the store cannot tell. */
  count(): Promise<Map<string, number> | undefined>;
  /** Rejects where the store does not answer. */
  ping(): Promise<void>;
  /** Finishes what has been accepted, then lets go of everything that the store opened. */
  close(): Promise<void>;
}
