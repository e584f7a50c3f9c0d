import type { StoreLock, StoreLocks } from "../store.js";
import type { Circuit } from "./circuit.js";

/** Locks that are had in time or not at all, and given back when the store is closed. */
export class GuardedLocks implements StoreLocks {
  readonly #locks: StoreLocks;
  readonly #circuit: Circuit;
  readonly #held = new Set<StoreLock>();
  readonly #gone = new WeakSet<StoreLock>();
  readonly #releasing = new Set<Promise<void>>();

  constructor(locks: StoreLocks, circuit: Circuit) {
    this.#locks = locks;
    this.#circuit = circuit;
  }

  async acquire(key: string, ttl: number): Promise<StoreLock | undefined> {
    const circuit = this.#circuit;
    const lock = await circuit.call("acquire", () => this.#locks.acquire(key, ttl), {
      late: (taken) => void taken?.release().catch(() => undefined),
    });
    if (!lock) return undefined;
    this.#held.add(lock);
    return {
      fence: lock.fence,
      extend: (by) => circuit.call("extend", () => lock.extend(by)),
      release: (writing) => this.#release(lock, writing),
    };
  }

  /** Gives back all that are held, so that others need not wait until they expire. */
  async releaseAll(): Promise<void> {
    await Promise.allSettled([...this.#releasing, ...[...this.#held].map((lock) => this.#release(lock))]);
  }

  async #release(lock: StoreLock, writing?: boolean): Promise<void> {
    this.#held.delete(lock);
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
