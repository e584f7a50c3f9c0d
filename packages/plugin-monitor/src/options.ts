import type { Duration, JsonSchema } from "@mlmcp/core";
import { DEFAULT_BUCKETS } from "./duration-buckets.js";

/** Options of `@timed`. */
export interface TimedOptions {
  /**
   * A call that takes longer publishes `operation:slow`.
   * @default `monitor.slow`, which is not set
   */
  slow?: Duration;
  /**
   * Upper bounds of the exported histogram's buckets. Percentiles of the summary do not depend on them.
   * @default `monitor.buckets`
   */
  buckets?: readonly Duration[];
}

/** The section `monitor`. */
export interface MonitorSection {
  /** @default not set: no call is slow */
  slow?: number;
  /** Upper bounds in milliseconds. @default 1, 2.5, 5, 10, 25, … 60000 */
  buckets: readonly number[];
  /** How many operations are told apart; further ones are counted together as `(other)`. @default 1000 */
  maxOperations: number;
}

const slow = {
  description: "A call that takes longer is reported as slow.",
  duration: true,
} satisfies JsonSchema;
const buckets = {
  description: "Upper bounds of the exported histogram's buckets.",
  type: "array",
  minItems: 1,
  maxItems: 100,
  items: { duration: true, exclusiveMinimum: 0 },
} satisfies JsonSchema;

export const timedSchema = {
  description: "Times calls: options of @timed.",
  type: "object",
  properties: { slow, buckets },
} satisfies JsonSchema;

export const monitorSectionSchema = {
  description: "Timing and counting of calls.",
  type: "object",
  properties: {
    slow,
    buckets: { ...buckets, default: DEFAULT_BUCKETS },
    maxOperations: {
      description: "How many operations are told apart; further ones are counted together.",
      type: "integer",
      minimum: 1,
      default: 1_000,
    },
  },
} satisfies JsonSchema;

declare module "@mlmcp/core" {
  interface AdviceOptions {
    timed: TimedOptions;
  }
  interface ConfigSections {
    monitor: MonitorSection;
  }
}
