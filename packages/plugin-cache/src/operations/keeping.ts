import {
  BulkheadFullError,
  CircuitOpenError,
  ConfigurationError,
  errorMatcher,
  isChaosError,
  KernelNotStartedError,
  OperationTimeoutError,
  parseDuration,
  PluginError,
  RateLimitError,
  type ErrorClassifier,
  type ErrorConditions,
} from "@mlmcp/core";
import type { TagsFunction, TtlFunction, WhenFunction } from "../options/functions.js";
import type { Observer, Outcome, Verdict } from "../engine/plan.js";

/** What is said about which outcomes are kept, for how long, and under which tags; durations in milliseconds. */
export interface KeepingOptions {
  readonly ttl?: number | TtlFunction;
  readonly tags?: readonly string[] | TagsFunction;
  readonly when?: WhenFunction;
  readonly cacheErrors?: EffectiveCacheErrors;
}

/** Which errors are kept: all, for a time of their own, those that a condition means, or both said. */
export type EffectiveCacheErrors =
  | boolean
  | number
  | Exclude<ErrorConditions, string | number>
  | { readonly when?: ErrorConditions; readonly ttl?: number };

export interface KeepingParts {
  /** Of whom the messages speak: `@cached on Users.find`. */
  readonly subject: string;
  /** The section's `ttl`. Milliseconds. */
  readonly defaultTtl: number;
  readonly classifier: ErrorClassifier;
}

/** Decides what becomes of outcomes. */
export interface Keeping<Args = unknown[]> {
  /** How long an outcome is fresh of which nothing else is said. Milliseconds; 0 where nothing is kept at all. */
  readonly ttl: number;
  /** The tags that every result has. */
  readonly fixedTags: readonly string[];
  /** The tags that are known before the call; none where the function of `tags` throws, which is told. */
  tagsBefore(args: Args, failed: Observer["failed"]): readonly string[];
  /** `undefined`: not kept. @throws what the application's functions throw, and where they give what they may not */
  judge(outcome: Outcome, args: Args): Promise<Verdict | undefined>;
}

/** @typeParam Args what the functions among the options are given as the arguments */
export function createKeeping<Args = unknown[]>(options: KeepingOptions, parts: KeepingParts): Keeping<Args> {
  const { ttl = parts.defaultTtl, tags, when } = options;
  const { subject } = parts;
  // A function decides by itself, also where the section's default keeps nothing.
  const base = typeof ttl === "number" ? ttl : Math.max(1, parts.defaultTtl);
  const ttlOf = (value: unknown, args: Args): number =>
    typeof ttl === "number" ? ttl : readTtl(ttl(value, args), subject);
  const tagsOf = typeof tags === "function" ? tags : undefined;
  const fixedTags = tagsOf ? [] : ((tags as readonly string[] | undefined) ?? []);
  const errors = createErrorJudge(options.cacheErrors, parts, base);

  return {
    ttl: base,
    fixedTags,
    tagsBefore(args, failed) {
      if (!tagsOf) return fixedTags;
      try {
        return readTags(tagsOf(undefined, args), subject);
      } catch (error) {
        failed("when", error);
        return [];
      }
    },
    async judge(outcome, args) {
      if (!outcome.ok) return errors(outcome.error);
      const { value } = outcome;
      if (when && !(await when(value, args))) return undefined;
      return {
        ttl: ttlOf(value, args),
        ...(tagsOf && { tags: readTags(tagsOf(value, args), subject) }),
      };
    },
  };
}

function createErrorJudge(
  given: EffectiveCacheErrors | undefined,
  { classifier }: KeepingParts,
  base: number,
): (error: unknown) => Verdict | undefined {
  if (given === undefined || given === false) return () => undefined;
  const { when, ttl = base } = readCacheErrors(given);
  const classify = classifier.classify.bind(classifier);
  const isMeant = when === undefined ? isAnswer : errorMatcher(when, classify);
  return (error) => (!isChaosError(error) && isMeant(error) ? { ttl } : undefined);

  /** Whether it says something about what was asked for, and not only about this attempt to get it. */
  function isAnswer(error: unknown): boolean {
    return classify(error) !== "cancelled" && !engineErrors.some((kind) => error instanceof kind);
  }
}

/** Of what stands around the method: limits, breakers, a wrong configuration. */
const engineErrors = [
  BulkheadFullError,
  CircuitOpenError,
  ConfigurationError,
  KernelNotStartedError,
  OperationTimeoutError,
  PluginError,
  RateLimitError,
];

function readCacheErrors(given: Exclude<EffectiveCacheErrors, false>): {
  readonly when?: ErrorConditions;
  readonly ttl?: number;
} {
  if (given === true) return {};
  if (typeof given === "number") return { ttl: given };
  if (typeof given === "function" || Array.isArray(given)) return { when: given as ErrorConditions };
  return given as { readonly when?: ErrorConditions; readonly ttl?: number };
}

function readTtl(given: unknown, subject: string): number {
  const ttl = parseDuration(given);
  if (ttl !== undefined) return ttl;
  throw new ConfigurationError(
    `The \`ttl\` of ${subject} gave ${show(given)}. Return milliseconds or a text such as "5m".`,
    { code: "MLMCP_CACHE_TTL", context: { subject } },
  );
}

/** The tags that a function gave. @throws ConfigurationError where it gave something else */
export function readTags(given: unknown, subject: string): readonly string[] {
  if (Array.isArray(given) && given.every((tag) => typeof tag === "string")) return given;
  throw new ConfigurationError(
    `The \`tags\` of ${subject} gave ${show(given)}. Return an array of texts such as ["users"].`,
    { code: "MLMCP_CACHE_TAGS", context: { subject } },
  );
}

function show(given: unknown): string {
  if (typeof given === "string") return JSON.stringify(given);
  if (Array.isArray(given)) return `an array with ${show(given.find((tag) => typeof tag !== "string"))}`;
  return typeof given === "object" && given !== null ? "an object" : String(given);
}
