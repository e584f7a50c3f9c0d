import type { Work } from "./single-flight.js";
import type { Tier } from "./statistics.js";

/** What a cache was doing when something of its own failed; `background`: something that no call waited for. */
export type CacheAction =
  | "open"
  | "get"
  | "set"
  | "delete"
  | "clear"
  | "copy"
  | "when"
  | "files"
  | "background";

/** Told what happens to the values of one operation. */
export interface Observer {
  hit(tier: Tier): void;
  miss(): void;
  set(tier: "memory" | "store", bytes: number | undefined): void;
  failed(action: CacheAction, error: unknown): void;
}

/** Whose values these are. */
export interface Owner {
  /** An operation's id. */
  readonly operation: string;
  readonly observer: Observer;
}

/** How a value is made where it is not found, and kept. */
export interface Plan<T = unknown> {
  readonly owner: Owner;
  /** Milliseconds. 0 shares the work under way and keeps nothing. */
  readonly ttl: number;
  /** Whether each taker gets a copy. */
  readonly isolate: boolean;
  /** Makes the value for all who wait for it. */
  begin(): Work<T>;
  /** Makes the value for one caller alone: asked where a result cannot be copied for several. */
  alone(): unknown;
  /** Whether a result is kept; asked once for each that was made. */
  wanted(value: T): boolean | Promise<boolean>;
}
