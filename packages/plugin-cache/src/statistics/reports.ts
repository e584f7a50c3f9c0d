import { randomUUID } from "node:crypto";
import type { Cache } from "../engine/cache.js";
import { canonical } from "../keys/canonical.js";
import { keyspace } from "../keys/key.js";
import type { Observer, Owner } from "../engine/plan.js";
import { hitsOf } from "./counters.js";
import type { ProcessObservation } from "./observation.js";
import { readReport, reportOperation, toReport } from "./report.js";

/** How long what a process has seen is known after its end. */
const ttl = 24 * 60 * 60 * 1_000;
const interval = 60_000;

/**
 * Tells other processes on the store what this one has counted: once a minute, where something
 * was, and at its end. So that a command line sees more than its own short life.
 */
export class Reports {
  readonly #cache: Cache;
  readonly #isHeard: () => boolean;
  readonly #owner: Owner;
  readonly #space: string;
  readonly #id = randomUUID();
  #timer: NodeJS.Timeout | undefined;
  #written = 0;

  /** @param isHeard whether the store takes anything now: what waits for it is to be what applications have set */
  constructor(cache: Cache, isHeard: () => boolean, failed: Observer["failed"]) {
    this.#cache = cache;
    this.#isHeard = isHeard;
    this.#space = cache.spaceOf(keyspace(reportOperation));
    // Nobody asked for these entries: they are no hits and no misses.
    const nothing = (): void => undefined;
    const observer = {
      hit: nothing,
      stale: nothing,
      miss: nothing,
      set: nothing,
      refreshed: nothing,
      failed,
    };
    this.#owner = { operation: reportOperation, observer };
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.write(), interval).unref();
  }

  /** Writes a last one. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.write();
  }

  /** Writes what was seen, where that is more than last time. */
  async write(): Promise<void> {
    if (!this.#cache.store?.entries || !this.#isHeard()) return;
    const counted = countOf(this.#cache.observe());
    if (counted === this.#written) return;
    this.#written = counted;
    const report = { id: this.#id, ...toReport(this.#cache.observe({ timeCopies: true })) };
    try {
      await this.#cache.inventory.share(this.#space + canonical(this.#id), report, this.#owner, ttl);
    } catch (error) {
      this.#owner.observer.failed("background", error);
    }
  }

  /** What others saw within the last day, those that have ended included. @throws the store's error */
  async others(): Promise<ProcessObservation[]> {
    const found: ProcessObservation[] = [];
    for await (const value of this.#cache.inventory.values(this.#owner)) {
      const { id, ...report } = (value ?? {}) as { id?: string };
      const observed = id === this.#id ? undefined : readReport(report);
      if (observed) found.push(observed);
    }
    return found;
  }
}

function countOf({ operations }: ProcessObservation): number {
  let count = 0;
  for (const { counters } of operations.values())
    count += hitsOf(counters) + counters.staleHits + counters.misses + counters.sets + counters.errors;
  return count;
}
