import type { JsonSchema } from "../../config/schema/schema.js";
import type { Duration } from "../../config/schema/units.js";
import { LONGEST_TIMER } from "../../kernel/time-limit.js";

declare module "@mlmcp/core" {
  interface AdviceOptions {
    timeout: TimeoutOptions | Duration;
  }
}

/** Options of `@timeout`. */
export interface TimeoutOptions {
  /**
   * The longest that one attempt may take. Milliseconds or a text such as `"5s"`.
   * @default "30s", or no limit where a deadline is given
   */
  attempt?: Duration;
  /**
   * The longest that the whole call may take: its attempts, the delays between them and all that
   * waits. Milliseconds or a text such as `"1m"`. @default no limit
   */
  deadline?: Duration;
}

/** {@link TimeoutOptions} once the schema has read them. Times in milliseconds. */
interface EffectiveTimeoutOptions {
  readonly attempt?: number;
  readonly deadline?: number;
}

/** For an attempt, where neither limit is given. Milliseconds. */
const defaultAttempt = 30_000;

/** A length of time that a timer can wait for, and that is not over before it begins. */
export const timeLimitSchema: JsonSchema = { duration: true, minimum: 1, maximum: LONGEST_TIMER };

export const timeoutSchema: JsonSchema = {
  type: "object",
  description: "How long a call may take: options of @timeout.",
  properties: {
    attempt: {
      description: "The longest that one attempt may take. Default: 30s, or none where a deadline is given.",
      ...timeLimitSchema,
    },
    deadline: {
      description: "The longest that the whole call may take, with its retries and waits.",
      ...timeLimitSchema,
    },
  },
};

/** The limit of one attempt in milliseconds; nothing where there is none. */
export function attemptLimit(options: TimeoutOptions): number | undefined {
  const { attempt, deadline } = options as EffectiveTimeoutOptions;
  return attempt ?? (deadline === undefined ? defaultAttempt : undefined);
}

/** The limit of the whole call in milliseconds; nothing where there is none. */
export function callLimit(options: TimeoutOptions): number | undefined {
  return (options as EffectiveTimeoutOptions).deadline;
}
