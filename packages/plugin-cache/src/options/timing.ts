import type { Duration, JsonSchema } from "@mlmcp/core";
import type { Span, Timing } from "../engine/plan.js";

/** How long values are good for beyond their ttl, and how long they are waited for. */
export interface TimingOptions {
  /**
   * By how much the ttl of each entry is shortened at most, at random, so that entries made
   * together do not end together: a length of time, or a share of the ttl as `"10%"` or 0.1.
   * @default none
   */
  ttlJitter?: Duration | `${number}%`;
  /**
   * How long after its ttl a result is kept as stale: it is given where a fresh one cannot be had,
   * because the method fails, takes longer than `softTimeout`, or would not be in time for the
   * caller's deadline. Milliseconds or a text (`"1h"`).
   * @default 0, nothing stale is given
   */
  grace?: Duration;
  /**
   * At what age a hit makes the method run in the background, while callers go on being given
   * what there is: a length of time, or a share of the ttl as `"80%"` or 0.8.
   * @default never
   */
  refreshAfter?: Duration | `${number}%`;
  /**
   * How long a caller waits for the method where there is a stale result, which it is given then.
   * The method goes on, and its result is kept. Needs `grace`.
   * @default until the method has ended
   */
  softTimeout?: Duration;
  /**
   * How long a caller waits for the method at all; then it is given a stale result, or an
   * OperationTimeoutError. The method goes on, and its result is kept.
   * @default until the method has ended
   */
  hardTimeout?: Duration;
}

/** {@link TimingOptions} once the schema has read them: milliseconds, or percentages as texts. */
export interface EffectiveTimingOptions {
  readonly ttlJitter?: number | string;
  readonly grace?: number;
  readonly refreshAfter?: number | string;
  readonly softTimeout?: number;
  readonly hardTimeout?: number;
}

/** What timers can wait for. */
const longestTimer = 2 ** 31 - 1;

const span = {
  anyOf: [
    { duration: true },
    {
      title: 'a share up to "100%"',
      type: "string",
      examples: ["10%", "80%"],
      // With a space where durations may have one.
      pattern: String.raw`^\s*(?:100|\d{1,2}(?:\.\d+)?)\s*%\s*$`,
    },
  ],
} satisfies JsonSchema;

export const keepingTimes = {
  ttlJitter: {
    description: "By how much each ttl is shortened at most, at random: a time or a share of it.",
    ...span,
  },
  grace: { description: "How long after its ttl a result is kept as stale.", duration: true },
  refreshAfter: {
    description: "At what age a hit starts a refresh in the background: a time or a share of the ttl.",
    ...span,
  },
} satisfies Record<string, JsonSchema>;

export const timingProperties = {
  ...keepingTimes,
  softTimeout: {
    description: "How long a caller waits for a fresh result where there is a stale one.",
    duration: true,
    maximum: longestTimer,
  },
  hardTimeout: {
    description: "How long a caller waits for a result at all; the method goes on.",
    duration: true,
    maximum: longestTimer,
  },
} satisfies Record<string, JsonSchema>;

/** What is wrong with times that are right each by itself. */
export function timingProblem({
  grace,
  softTimeout,
  hardTimeout,
}: EffectiveTimingOptions): string | undefined {
  if (softTimeout === undefined) return undefined;
  if (grace === undefined)
    return 'softTimeout gives stale results in time, and none are kept. Say for how long: `grace: "1h"`.';
  if (hardTimeout !== undefined && softTimeout >= hardTimeout)
    return `softTimeout (${softTimeout} ms) must be shorter than hardTimeout (${hardTimeout} ms). Shorten it, or leave one of them out.`;
  return undefined;
}

/** Whether somebody's time is limited, or what there is may be given in place of a fresh value. */
export function needsContext(options: EffectiveTimingOptions): boolean {
  const { grace, refreshAfter, softTimeout, hardTimeout } = options;
  return [grace, refreshAfter, softTimeout, hardTimeout].some((time) => time !== undefined);
}

export function timingOf(ttl: number, options: EffectiveTimingOptions): Timing {
  const { ttlJitter, refreshAfter, grace, softTimeout, hardTimeout } = options;
  return {
    ttl,
    ttlJitter: ttlJitter === undefined ? undefined : spanIn(ttlJitter),
    grace,
    refreshAfter: refreshAfter === undefined ? undefined : spanIn(refreshAfter),
    softTimeout,
    hardTimeout,
  };
}

/** A number below 1 is a share: nobody means a part of a millisecond. */
function spanIn(given: number | string): Span {
  if (typeof given === "string") return { share: Number.parseFloat(given) / 100 };
  return given > 0 && given < 1 ? { share: given } : { ms: given };
}
