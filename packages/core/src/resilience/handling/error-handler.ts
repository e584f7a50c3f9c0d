import { isDeepStrictEqual } from "node:util";
import { isMlmcpError } from "../../errors/index.js";
import { ErrorClassifier } from "../classification/error-classifier.js";
import { type Classified, errorClasses } from "../classification/error-class.js";
import { statusOf } from "../classification/http-status.js";
import { causesOf, read, readText } from "../classification/thrown.js";
import { ErrorLog, type ErrorLogOptions } from "./error-log.js";
import { loggable, withoutSecrets } from "./loggable.js";
import { recoverySuggestions } from "./recovery-suggestions.js";

/** Facts about what was going on: a text, or anything that can be written as JSON. */
export type ErrorContext = string | Readonly<Record<string, unknown>>;

/** What is known of an error that was handled. */
export interface HandledError {
  /** The same object. */
  readonly error: unknown;
  readonly class: Classified;
  /** Whether the same call may succeed later: what is transient, and what nothing is known about. */
  readonly retryable: boolean;
  /** What to do, the likeliest first. */
  readonly suggestions: readonly string[];
  readonly context: ErrorContext | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Classifies errors, counts them, says what to do about them, and writes them to the error log
 * where `errorHandling.logFile` names one. It never throws, whatever it is given.
 *
 * ```ts
 * const errors = kernel.resolve(ErrorHandler);
 * try {
 *   await importFile(file);
 * } catch (error) {
 *   const { class: kind, suggestions } = errors.handle(error, { file });
 *   console.error(kind, ...suggestions);
 * }
 * ```
 */
export class ErrorHandler {
  readonly #classifier: ErrorClassifier;
  readonly #counts = new Map<Classified, number>();
  #log: ErrorLog | undefined;

  /** @param classifier knows the application's rules; without one there are none */
  constructor(classifier: ErrorClassifier = new ErrorClassifier()) {
    this.#classifier = classifier;
  }

  /**
   * Classifies an error, counts it and logs it.
   *
   * @param context what was going on; goes to the log without its secrets
   */
  handle(error: unknown, context?: ErrorContext): HandledError {
    const errorClass = this.#classifier.classify(error);
    const handled: HandledError = {
      error,
      class: errorClass,
      retryable: errorClass === "transient" || errorClass === "unknown",
      suggestions: this.#suggest(error, errorClass),
      context,
      at: Date.now(),
    };
    this.#counts.set(errorClass, (this.#counts.get(errorClass) ?? 0) + 1);
    this.#log?.write(entryOf(handled));
    return handled;
  }

  /** What to do about an error, the likeliest first: by the application's rules, the error itself, its code, its class. */
  getRecoverySuggestions(error: unknown): readonly string[] {
    return this.#suggest(error, this.#classifier.classify(error));
  }

  /** How many errors of each class were handled so far. */
  counts(): Readonly<Record<Classified, number>> {
    const all = [...errorClasses, "unknown"] as const;
    return Object.fromEntries(all.map((name) => [name, this.#counts.get(name) ?? 0])) as Record<
      Classified,
      number
    >;
  }

  /** Writes to this log from now on, or to none. Waits until the old one is written. */
  async logTo(options: ErrorLogOptions | undefined): Promise<void> {
    if (isDeepStrictEqual(this.#log?.options, options)) return;
    await this.flush();
    this.#log = options && new ErrorLog(options);
  }

  /** Resolves when everything handled so far is in the log. */
  async flush(): Promise<void> {
    await this.#log?.flush();
  }

  #suggest(error: unknown, errorClass: Classified): readonly string[] {
    return this.#classifier.ruleFor(error)?.suggestions ?? recoverySuggestions(error, errorClass);
  }
}

/** One line of the log. */
function entryOf({ error, class: errorClass, retryable, suggestions, context, at }: HandledError): object {
  const [, ...causes] = causesOf(error);
  return {
    time: new Date(at).toISOString(),
    pid: process.pid,
    class: errorClass,
    retryable,
    error: { ...describe(error), stack: loggable(readText(error, "stack") || undefined) },
    ...(causes.length > 0 && { causes: causes.map(describe) }),
    context: loggable(context),
    suggestions: suggestions.map(withoutSecrets),
  };
}

/** What tells one error from another. */
function describe(error: unknown): object {
  if (typeof error !== "object" || error === null) return { thrown: loggable(error) };
  const code = read(error, "code");
  return {
    name: readText(error, "name") || undefined,
    code: typeof code === "string" || typeof code === "number" ? code : undefined,
    status: statusOf(error),
    message: loggable(readText(error, "message")),
    context: isFramework(error) ? loggable(read(error, "context")) : undefined,
  };
}

function isFramework(error: unknown): boolean {
  try {
    return isMlmcpError(error);
  } catch {
    return false;
  }
}
