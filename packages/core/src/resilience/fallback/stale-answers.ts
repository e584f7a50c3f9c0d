import { ConfigurationError, isMlmcpError } from "../../errors/index.js";
import type { Token } from "../../kernel/container.js";
import type { OperationInfo } from "../../operations/operation.js";

/** A call that has failed, and that an earlier answer may stand in for. */
export interface FailedCall {
  readonly operation: OperationInfo;
  /** The method's `this`. */
  readonly self: unknown;
  readonly args: readonly unknown[];
  /** What it failed with. */
  readonly error: unknown;
}

/**
 * Keeps earlier answers of operations, as a cache does, and gives them to `@degrade({ fallback:
 * "stale" })`. A plugin offers itself by registering one under {@link STALE_ANSWERS}.
 *
 * ```ts
 * register({ services }) {
 *   services.value(STALE_ANSWERS, { find: ({ operation, args }) => store.evenIfExpired(operation.id, args) });
 * }
 * ```
 */
export interface StaleAnswers {
  /**
   * What keeps it from ever having an answer of this operation, such as that the operation is not
   * cached, and what to do about it. Asked when the operation is first called.
   */
  problem?(operation: OperationInfo): string | undefined;
  /**
   * The latest answer to the same call, however old, in a copy of the caller's own; nothing where
   * there is none. Where it throws, the caller gets what the method failed with.
   */
  find(
    call: FailedCall,
  ): { readonly value: unknown } | undefined | Promise<{ readonly value: unknown } | undefined>;
}

/** The token under which {@link StaleAnswers} are registered. The same in every copy of this package. */
export const STALE_ANSWERS: unique symbol = Symbol.for("@mlmcp/core/stale-answers");

/**
 * Who gives stale answers of this operation.
 *
 * @throws ConfigurationError where nobody does
 */
export function staleAnswersFor(
  operation: OperationInfo,
  resolve: (token: Token<StaleAnswers>) => StaleAnswers,
): StaleAnswers {
  const answers = registered(resolve);
  const problem = answers
    ? answers.problem?.(operation)
    : "nothing in this kernel keeps earlier answers. Install @mlmcp/plugin-cache, import it and put @cached() on the method, or register a service of your own under STALE_ANSWERS.";
  if (answers && problem === undefined) return answers;
  throw new ConfigurationError(`@degrade on ${operation.id} falls back on "stale", but ${problem}`, {
    code: "MLMCP_STALE_ANSWERS",
    context: { operation: operation.id },
  });
}

function registered(resolve: (token: Token<StaleAnswers>) => StaleAnswers): StaleAnswers | undefined {
  try {
    return resolve(STALE_ANSWERS);
  } catch (error) {
    const missing =
      isMlmcpError(error) &&
      error.code === "MLMCP_UNKNOWN_SERVICE" &&
      error.context["token"] === String(STALE_ANSWERS);
    if (missing) return undefined;
    throw error;
  }
}
