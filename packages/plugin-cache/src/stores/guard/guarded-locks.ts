import type { Acquired, StoredEntry, StoreLock, StoreLocks } from "../store.js";
import type { Circuit } from "./circuit.js";

/** What the store would answer for a key, had it taken all that waits for it; `undefined` where it is to be asked. */
type Waiting = (key: string) => { readonly entry: StoredEntry | undefined } | undefined;

/** Locks that are had in time or not at all, and given back when the store is closed. */
export class GuardedLocks implements StoreLocks {
  readonly #locks: StoreLocks;
  readonly #circuit: Circuit;
  readonly #waiting: Waiting;
  /** By their fences. */
  readonly #held = new Map<number, StoreLock>();
  readonly #gone = new WeakSet<StoreLock>();
  readonly #releasing = new Set<Promise<void>>();

  constructor(locks: StoreLocks, circuit: Circuit, waiting: Waiting) {
    this.#locks = locks;
    this.#circuit = circuit;
    this.#waiting = waiting;
  }

  async acquire(key: string, ttl: number): Promise<Acquired> {
    const { lock, entry } = await this.#circuit.call("acquire", () => this.#locks.acquire(key, ttl), {
      late: (acquired) => void acquired.lock?.release().catch(() => undefined),
    });
    const waiting = this.#waiting(key);
    return { lock: lock && this.#guard(lock), entry: waiting ? waiting.entry : entry };
  }

  /** The store has taken what was made under a lock: it need not be given back. */
  ended(fence: number): void {
    const lock = this.#held.get(fence);
    if (!lock) return;
    this.#held.delete(fence);
    this.#gone.add(lock);
  }

  /** Gives back all that are held, so that others need not wait until they expire. */
  async releaseAll(): Promise<void> {
    const held = Array.from(this.#held.values(), (lock) => this.#release(lock));
    await Promise.allSettled([...this.#releasing, ...held]);
  }

  #guard(lock: StoreLock): StoreLock {
    const { fence } = lock;
    this.#held.set(fence, lock);
    return {
      fence,
      extend: (by) => this.#circuit.call("extend", () => lock.extend(by)),
      release: (writing) => this.#release(lock, writing),
    };
  }

  async #release(lock: StoreLock, writing?: boolean): Promise<void> {
    this.#held.delete(lock.fence);
    if (this.#gone.has(lock)) return;
    if (!writing) this.#gone.add(lock);
    const releasing = this.#circuit.call("release", () => lock.release(writing));
    this.#releasing.add(releasing);
    try {
      await releasing;
    } finally {
      this.#releasing.delete(releasing);
    }
  }
}
