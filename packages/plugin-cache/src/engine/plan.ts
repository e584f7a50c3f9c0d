import type { Work } from "../flights/single-flight.js";
import type { StaleReason, Tier } from "../statistics/counters.js";

/** What a cache was doing when something of its own failed; `background`: something that no call waited for. */
export type CacheAction =
  | "open"
  | "get"
  | "set"
  | "delete"
  | "clear"
  | "copy"
  | "key"
  | "when"
  | "files"
  | "invalidate"
  | "lock"
  | "changes"
  | "warm"
  | "background";

/** Told what happens to the values of one operation, in the context of the call that it happens to. */
export interface Observer {
  /** @param cost milliseconds that the value took to make, which this caller was spared */
  hit(tier: Tier, cost: number): void;
  /** A stale value was given in place of a fresh one. */
  stale(reason: StaleReason): void;
  miss(): void;
  set(tier: "memory" | "store", bytes: number | undefined): void;
  /** A refresh in the background has ended. */
  refreshed(ok: boolean, error?: unknown): void;
  failed(action: CacheAction, error: unknown): void;
}

/** Whose values these are. */
export interface Owner {
  /** An operation's id. */
  readonly operation: string;
  readonly observer: Observer;
}

/** A time in itself, or as a share (0 to 1) of the time that an entry is fresh. */
export type Span = { readonly ms: number } | { readonly share: number };

/** How long a value is good for, and how long it is waited for. All times in milliseconds. */
export interface Timing {
  /** How long a value is fresh once it is made. 0 shares the work under way and keeps nothing. */
  readonly ttl: number;
  /** By how much the ttl of each entry is shortened at most, at random, so that not all end at once. @default none */
  readonly ttlJitter?: Span;
  /** How long after that it is kept as stale. @default 0 */
  readonly grace?: number;
  /** At what age a hit starts a refresh in the background. @default never */
  readonly refreshAfter?: Span;
  /** How long a caller waits for fresh data where there is stale data. @default until it is made */
  readonly softTimeout?: number;
  /** How long a caller waits at all. @default until it is made */
  readonly hardTimeout?: number;
}

/** What the work answers where the value that it was given is still right. */
export const unchanged: unique symbol = Symbol.for("@mlmcp/plugin-cache/unchanged");

/** The value that is about to be replaced, for work that can tell whether it has changed. */
export interface Previous<T = unknown> {
  /** A copy of the reader's own, made when it is read; the value itself where `isolate` is false. */
  readonly value: T;
  /** Milliseconds since the method was called that made it, or that last said {@link unchanged}. */
  readonly age: number;
  /** What {@link Verdict.etag} said of it. */
  readonly etag: string | undefined;
  /** Whether it is past its ttl; otherwise this is a refresh ahead of time. */
  readonly stale: boolean;
}

/** How the work ended. */
export type Outcome<T = unknown> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

/** How an outcome is kept. */
export interface Verdict {
  /** Milliseconds. 0 keeps nothing. @default the timing's */
  readonly ttl?: number;
  /** Tags beside those of the plan. */
  readonly tags?: readonly string[];
  /** What tells whether the value has changed, handed to the next work as {@link Previous.etag}. */
  readonly etag?: string;
}

/** How a value is made where it is not found, and kept. */
export interface Plan<T = unknown> {
  readonly owner: Owner;
  /**
   * Whether each taker gets a copy. Where not, all get the same object (or error), also one that
   * cannot be copied; that one lives in memory only.
   */
  readonly isolate: boolean;
  /** The namespace whose own bounds of memory apply. @default none */
  readonly space?: string;
  /** Whether the store has no part in it: no other process can ask for this key. @default false */
  readonly inMemoryOnly?: boolean;
  readonly timing: Timing;
  /** Tags that are known before the call. @default none */
  readonly tags?: readonly string[];
  /** What the key is made of, where that is several things: advice tells which of them differs too often. @default unknown */
  readonly keyParts?: readonly unknown[];
  /**
   * Whether what the key was made of still gives the same one; what it throws means that it does not, and why.
   *
   * @param used it has been worked with, so that a RegExp may begin its next search elsewhere
   * @default nobody can change it
   */
  hasSameKey?(used: boolean): boolean;
  /**
   * Makes the value for all who wait for it. Called at most once for each plan that is handed to
   * `load`, and possibly later than `load` returns, for a refresh.
   *
   * @param previous what there is of the key, stale or due for a refresh, never an error; the work may answer {@link unchanged}
   * @param self stands for the work as {@link Caller.inside}
   */
  begin(previous: Previous<T> | undefined, self: object): Work<T | typeof unchanged>;
  /**
   * Whether and how the outcome is kept; asked once for each. `undefined`: not kept. For `unchanged`
   * it is asked about the old value. What it throws is told to the observer, and nothing is kept.
   */
  judge(outcome: Outcome<T>): Verdict | undefined | Promise<Verdict | undefined>;
  /** Makes the value for one caller alone: asked where a result cannot be copied for several. */
  alone(): unknown;
}

/** Who waits for a value. */
export interface Caller {
  /** Aborts when the caller gives up. The work is abandoned once all who wait have left. */
  readonly signal?: AbortSignal;
  /** When the caller must have an answer, which may be a stale one. Milliseconds since the epoch. */
  readonly deadline?: number;
  /** The work that asks, where it is known that such does. */
  readonly inside?: object;
}
