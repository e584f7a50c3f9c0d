import type { Classified } from "../classification/error-class.js";
import { errorMatcher, type ErrorConditions } from "../classification/error-condition.js";
import { isPromised } from "../classification/thrown.js";

/** What is said about the errors and values that are worth another attempt. */
export interface RetryConditions {
  readonly retryIf?: ErrorConditions;
  readonly abortIf?: ErrorConditions;
  readonly retryResultIf?: (value: unknown) => boolean;
}

/** Tells which outcomes are worth another attempt. */
export interface RetryJudge {
  isRetryable(error: unknown): boolean;
  /** Absent where every value is good. */
  readonly isRefused?: (value: unknown) => boolean;
}

/**
 * A judge of outcomes. `abortIf` has the last word; without `retryIf` those errors are retried
 * that are transient or of which nothing is known: an application's own errors mostly say nothing,
 * and a retry of one that is permanent costs some calls, while none of a transient one costs the
 * answer. Not retried is what would fail again (`permanent`, `validation`), what nobody waits for
 * any more (`cancelled`), and where something is used up (`resource`): a retry takes more of it
 * and nothing gives it back within the time of a delay.
 *
 * A condition that throws does not take the place of the outcome: it is reported, an error is not
 * retried then, and a value is handed on.
 */
export function retryJudge(
  { retryIf, abortIf, retryResultIf }: RetryConditions,
  classify: (error: unknown) => Classified,
  report: (failure: unknown) => void,
): RetryJudge {
  const aborts = abortIf === undefined ? undefined : errorMatcher(abortIf, classify);
  const retries =
    retryIf === undefined
      ? (error: unknown) => isWorthwhile(classify(error))
      : errorMatcher(retryIf, classify);
  const guarded = (judge: (outcome: unknown) => boolean) => (outcome: unknown) => {
    try {
      return judge(outcome);
    } catch (failure) {
      report(failure);
      return false;
    }
  };
  return {
    isRetryable: guarded((error) => !aborts?.(error) && retries(error)),
    ...(retryResultIf && { isRefused: guarded((value) => refuses(retryResultIf, value)) }),
  };
}

function refuses(retryResultIf: (value: unknown) => unknown, value: unknown): boolean {
  const answer = retryResultIf(value);
  if (isPromised(answer))
    throw new TypeError("`retryResultIf` answered with a promise. Make it answer at once.");
  return answer === true;
}

function isWorthwhile(errorClass: Classified): boolean {
  return errorClass === "transient" || errorClass === "unknown";
}
