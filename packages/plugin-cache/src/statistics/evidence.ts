import { isDeepStrictEqual } from "node:util";
import { hashOf } from "../memory/frequency-sketch.js";
import type { Entry } from "../values/entry.js";
import { sizeOf } from "../values/size.js";
import type { Snapshot } from "../values/snapshot.js";
import { DistinctCount } from "./distinct-count.js";
import { argumentHashes } from "./argument-hashes.js";
import { RecentFailures } from "./recent-failures.js";

/** What advice about one operation is drawn from, beside the counters. Times in milliseconds. */
export interface EvidenceCounts {
  /** Calls of the method that gave a value, and how long they took. */
  made: number;
  madeMs: number;
  /** Of these, those that replaced a value which had run out no longer ago than it had been fresh. */
  renewals: number;
  /** Of these, those whose value was compared with the one before, those that were equal, and how long they took. */
  compared: number;
  equal: number;
  equalMs: number;
  /** Calls of the method that failed and were not kept. */
  failures: number;
  /** Of these, those that followed another of the same key within {@link repeatedWithinMs}, and how long they took. */
  repeatedFailures: number;
  repeatedFailureMs: number;
  /** Look-ups in the store, and how long they took. */
  storeReads: number;
  storeReadMs: number;
  /** Misses whose arguments were looked at one by one. */
  argumentsSeen: number;
}

/** How soon after another one a failure of the same key is a repetition. */
export const repeatedWithinMs = 60_000;

/** Larger values are not compared with their predecessors. Bytes in memory, estimated. */
const largestCompared = 64 * 1024;
/** All of the first so many renewals are compared, and the arguments of the first so many misses looked at; then each so-manieth. */
const lookedAtFirst = 50;
const lookedAtThen = 8;
const mostParts = 16;
const mostNames = 20;

export function noEvidenceCounts(): EvidenceCounts {
  return {
    made: 0,
    madeMs: 0,
    renewals: 0,
    compared: 0,
    equal: 0,
    equalMs: 0,
    failures: 0,
    repeatedFailures: 0,
    repeatedFailureMs: 0,
    storeReads: 0,
    storeReadMs: 0,
    argumentsSeen: 0,
  };
}

/** Gathers what advice about one operation is drawn from. Nothing of it is on the way of a hit in memory. */
export class Evidence {
  readonly counts = noEvidenceCounts();
  /** Of misses. */
  readonly keys = new DistinctCount();
  /** Of each argument of the misses, and of each property where it is an object: `1`, `1.region`. */
  readonly arguments = new Map<string, DistinctCount>();
  /** Errors that were not kept, by name. */
  readonly failureNames = new Map<string, number>();
  readonly #failures = new RecentFailures();
  #misses = 0;

  /** A value was not found. @param args what its key is made of, where that is the arguments */
  missed(text: string, args: readonly unknown[] | undefined): void {
    // What stands before it is the number of a keyspace, which other processes count in their own way.
    this.keys.add(hashOf(text.slice(text.indexOf(":") + 1)));
    if (!args || !isLookedAt(++this.#misses)) return;
    this.counts.argumentsSeen++;
    for (const [label, hash] of argumentHashes(args)) {
      let values = this.arguments.get(label);
      if (!values && this.arguments.size < mostParts)
        this.arguments.set(label, (values = new DistinctCount()));
      values?.add(hash);
    }
  }

  /** The store was asked. */
  read(ms: number): void {
    this.counts.storeReads++;
    this.counts.storeReadMs += ms;
  }

  /** The method gave a value. @param before the one that was kept last, where that was valid until it ran out */
  made(snapshot: Snapshot, cost: number, before: Entry | undefined): void {
    const { counts } = this;
    counts.made++;
    counts.madeMs += cost;
    if (!before || !ranOutShortlyBefore(before)) return;
    counts.renewals++;
    if (!isLookedAt(counts.renewals)) return;
    if (before.thrown || before.snapshot.shape === "shared" || snapshot.shape === "shared") return;
    if (sizeOf(snapshot) > largestCompared) return;
    counts.compared++;
    if (!isDeepStrictEqual(snapshot.value, before.snapshot.value)) return;
    counts.equal++;
    counts.equalMs += cost;
  }

  /** The method failed, and that was not kept. */
  failed(text: string, error: unknown, cost: number): void {
    const { counts, failureNames } = this;
    counts.failures++;
    const ago = this.#failures.note(hashOf(text));
    if (ago === undefined || ago > repeatedWithinMs) return;
    counts.repeatedFailures++;
    counts.repeatedFailureMs += cost;
    const name = error instanceof Error ? error.name : typeof error;
    if (failureNames.has(name) || failureNames.size < mostNames)
      failureNames.set(name, (failureNames.get(name) ?? 0) + 1);
  }
}

function isLookedAt(number: number): boolean {
  return number <= lookedAtFirst || number % lookedAtThen === 0;
}

function ranOutShortlyBefore({ created, cost, freshUntil }: Entry): boolean {
  const ago = Date.now() - freshUntil;
  return ago >= 0 && ago <= freshUntil - created - cost;
}
