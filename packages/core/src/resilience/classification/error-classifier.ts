import { ConfigurationError } from "../../errors/index.js";
import { classifyError } from "./classify-error.js";
import type { Classified } from "./error-class.js";
import { describeThrown } from "./thrown.js";
import { errorMatcher } from "./error-condition.js";
import { errorRuleProblem, type ErrorRule } from "./error-rule.js";

interface Rule extends ErrorRule {
  readonly matches: (error: unknown) => boolean;
}

/**
 * Classifies errors for one kernel: by the rules of the configuration (`errorHandling.rules`), then
 * by those of the application and of plugins, the last added first, then by what
 * {@link classifyError} knows. `@retry`, `@degrade` and the `ErrorHandler` ask it.
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
  #configured: readonly Rule[] = [];
  #rules: readonly Rule[] = [];

  /** Takes the rules of the configuration, the first to match speaking, in place of those before. */
  configure(rules: readonly ErrorRule[]): void {
    this.#configured = rules.map(prepared);
  }

  /**
   * Adds a rule, for every call from now on. Returns what takes it away again.
   *
   * @throws ConfigurationError where it is no rule: later it would take the place of a method's own error
   */
  add(rule: ErrorRule): () => void {
    const problem = errorRuleProblem(rule);
    if (problem !== undefined) {
      throw new ConfigurationError(`The rule that ErrorClassifier.add() was given ${problem}`, {
        code: "MLMCP_ERROR_RULE",
        context: { rule },
      });
    }
    const added = prepared(rule);
    this.#rules = [added, ...this.#rules];
    return () => {
      this.#rules = this.#rules.filter((kept) => kept !== added);
    };
  }

  classify(error: unknown): Classified {
    return this.ruleFor(error)?.class ?? classifyError(error);
  }

  /** The rule that speaks for an error. */
  ruleFor(error: unknown): ErrorRule | undefined {
    const speaks = (rule: Rule) => isMeant(rule, error);
    return this.#configured.find(speaks) ?? this.#rules.find(speaks);
  }
}

function prepared(rule: ErrorRule): Rule {
  return { ...rule, matches: errorMatcher(rule.match, classifyError) };
}

/** Rules of whose failing has been warned. */
const failing = new WeakSet<Rule>();

function isMeant(rule: Rule, error: unknown): boolean {
  try {
    return rule.matches(error);
  } catch (failure) {
    if (!failing.has(rule)) {
      failing.add(rule);
      const match = [rule.match].flat().map(describeCondition).join(", ");
      process.emitWarning(`A rule for errors (match: ${match}) failed: ${describeThrown(failure)}`, {
        code: "MLMCP_ERROR_RULE",
      });
    }
    return false;
  }
}

/** The text of a function is its source; one that is written in its place is named for that. */
function describeCondition(condition: unknown): string {
  if (typeof condition !== "function") return String(condition);
  return condition.name === "" || condition.name === "match" ? "a function" : condition.name;
}
