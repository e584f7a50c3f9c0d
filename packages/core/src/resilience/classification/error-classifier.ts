import { warnOnce } from "../../config/warnings.js";
import { classifyError } from "./classify-error.js";
import type { Classified, ErrorClass } from "./error-class.js";
import { describeThrown } from "./thrown.js";
import { errorMatcher, type ErrorConditions } from "./error-condition.js";

/** What an application knows about errors that the framework does not. */
export interface ErrorRule {
  /** Which errors it is about. */
  readonly match: ErrorConditions;
  readonly class: ErrorClass;
  /** What to do about them, for `getRecoverySuggestions`, the likeliest first. */
  readonly suggestions?: readonly string[];
}

interface Rule extends ErrorRule {
  readonly matches: (error: unknown) => boolean;
}

/**
 * Classifies errors for one kernel: by the application's rules, the last added first, then by
 * what {@link classifyError} knows. `@retry`, `@degrade` and the `ErrorHandler` ask it.
 *
 * ```ts
 * kernel.resolve(ErrorClassifier).add({
 *   match: ["QUOTA_EXCEEDED", PaymentDeclined],
 *   class: "permanent",
 *   suggestions: ["Raise the quota in the billing console."],
 * });
 * ```
 */
export class ErrorClassifier {
  #rules: readonly Rule[] = [];

  /** Adds a rule, for every call from now on. Returns what takes it away again. */
  add(rule: ErrorRule): () => void {
    const added: Rule = { ...rule, matches: errorMatcher(rule.match, classifyError) };
    this.#rules = [added, ...this.#rules];
    return () => {
      this.#rules = this.#rules.filter((kept) => kept !== added);
    };
  }

  classify(error: unknown): Classified {
    return this.ruleFor(error)?.class ?? classifyError(error);
  }

  /** The application's rule that speaks for an error. */
  ruleFor(error: unknown): ErrorRule | undefined {
    return this.#rules.find(({ matches, match }) => {
      try {
        return matches(error);
      } catch (failure) {
        warnOnce(
          "MLMCP_ERROR_RULE",
          `A rule for errors (match: ${String(match)}) failed: ${describeThrown(failure)}`,
        );
        return false;
      }
    });
  }
}
