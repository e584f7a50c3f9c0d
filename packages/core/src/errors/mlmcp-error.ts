/** A stable name for one fault, such as `MLMCP_CIRCUIT_OPEN`. Programs compare it; it never changes. */
export type ErrorCode = `MLMCP_${string}`;

/** What every error of the framework can be given. */
export interface MlmcpErrorOptions<Context extends object = Record<string, unknown>> {
  /** @default the code of the error's kind */
  code?: ErrorCode;
  /** The error that led to this one. */
  cause?: unknown;
  /** Facts for programs: what was received, where, limits. May hold values: it stays in the process. */
  context?: Context;
  /** Whether the same call may succeed later. @default the kind's own answer */
  retryable?: boolean;
  /** What to do, one sentence each, the likeliest first. */
  suggestions?: readonly string[];
}

/** What may leave the process: no paths, values or causes. */
export interface PublicError {
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

const brand = Symbol.for("@mlmcp/core/error");

/**
 * Base of every error that the framework itself throws. The errors of an application's own
 * methods reach their callers as they are and are never wrapped in one.
 *
 * ```ts
 * try {
 *   await reports.summarise("LAX");
 * } catch (error) {
 *   if (isMlmcpError(error)) response.status(503).json(error.toPublicJSON());
 *   else throw error;
 * }
 * ```
 */
export abstract class MlmcpError<Context extends object = Record<string, unknown>> extends Error {
  readonly code: ErrorCode;
  readonly context: Readonly<Context>;
  readonly retryable: boolean;
  readonly suggestions: readonly string[];

  /** One sentence about the kind that tells nothing about this occurrence. */
  protected abstract readonly publicMessage: string;

  constructor(
    message: string,
    kind: { name: string; code: ErrorCode; retryable: boolean },
    options: MlmcpErrorOptions<Context> = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    // Not `new.target.name`: minifiers rename classes.
    this.name = kind.name;
    this.code = options.code ?? kind.code;
    this.context = Object.freeze({ ...options.context }) as Readonly<Context>;
    this.retryable = options.retryable ?? kind.retryable;
    this.suggestions = Object.freeze([...(options.suggestions ?? [])]);
  }

  /** What may be shown to a stranger. */
  toPublicJSON(): PublicError {
    return { name: this.name, code: this.code, message: this.publicMessage, retryable: this.retryable };
  }

  /** Everything that a log wants; the cause only by name and message. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, retryable, context, suggestions, cause } = this;
    const shown = cause instanceof Error ? { name: cause.name, message: cause.message } : cause;
    return {
      name,
      code,
      message,
      retryable,
      context,
      suggestions,
      ...(cause === undefined ? {} : { cause: shown }),
    };
  }
}

Object.defineProperty(MlmcpError.prototype, brand, { value: true });

/**
 * Tells an error of the framework from any other, also where two copies of this package are
 * installed and `instanceof` fails.
 */
export function isMlmcpError(error: unknown): error is MlmcpError {
  return typeof error === "object" && error !== null && (error as { [brand]?: unknown })[brand] === true;
}
