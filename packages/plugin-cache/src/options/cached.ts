import {
  errorConditionsSchema,
  type Duration,
  type ErrorCondition,
  type ErrorConditions,
  type ErrorPredicate,
  type JsonSchema,
} from "@mlmcp/core";
import type { CallKeyOptions } from "../operations/call-keys.js";
import type { EffectiveCacheErrors, KeepingOptions } from "../operations/keeping.js";
import type { FileKey } from "../keys/files.js";
import { timingProperties, type EffectiveTimingOptions, type TimingOptions } from "./timing.js";
import type {
  ArgumentLists,
  FilesFunction,
  KeyFunction,
  TagsFunction,
  TtlFunction,
  WhenFunction,
} from "./functions.js";

/**
 * Which errors are kept, and given again in place of the method: `true` for all that say something
 * about what was asked for, for as long as results; a duration, for so long; an error class, a
 * predicate or a list of conditions (codes, names, HTTP statuses, classes, predicates); or both a
 * condition and a duration. Not among "all" are cancelling, timeouts, and what breakers and limits
 * turn away.
 */
export type CacheErrors =
  | boolean
  | Duration
  | ErrorPredicate
  | (abstract new (...args: any[]) => unknown)
  | readonly ErrorCondition[]
  | { readonly when?: ErrorConditions; readonly ttl?: Duration };

/**
 * Options of `@cached`. What is asked before the method runs (`key`, `files`) is given the method's
 * arguments one by one, and what judges its result is given `(result, args)`. Each may name as many
 * of the arguments as it needs; the type parameters are the types of the functions.
 */
export interface CachedOptions<
  Key extends KeyFunction = KeyFunction,
  Files extends FilesFunction = FilesFunction,
  When extends WhenFunction = WhenFunction,
  Ttl extends TtlFunction = TtlFunction,
  Tags extends TagsFunction = TagsFunction,
  Lists extends ArgumentLists = ArgumentLists,
> extends TimingOptions {
  /**
   * How long a result is fresh, in milliseconds or as a text (`"5m"`); a function gives it for
   * each result. 0 keeps nothing: calls share what is under way, and that is all.
   * @default the section's `cache.ttl`, 1 hour
   */
  ttl?: Duration | Ttl;
  /**
   * What identifies a call, in place of its arguments: for arguments that cannot be part of a
   * key, such as a signal or a connection, and for those that change nothing about the result.
   * @default all arguments
   */
  key?: Key;
  /**
   * Files that the result depends on. Their content becomes part of the key, so that a
   * result is found again after a file was touched, and not after it was changed; with
   * `{ path, by: "stat" }` their size and time of change, so that nothing is read.
   * @default none
   */
  files?: Files;
  /** Keeps entries apart that would be the same, such as those of two tenants' installations. @default none */
  namespace?: string;
  /** Change it when the method's results mean something else than before: older entries are no longer found. @default none */
  version?: string | number;
  /**
   * Whether instances share results. Those of `"instance"` are told apart by their `[cacheKey]()`;
   * where they have none, each is its own, and its results stay in this process.
   * @default "class"
   */
  scope?: "class" | "instance";
  /**
   * Names under which results can be made outdated together (`@cacheEvict({ tags })`,
   * `CacheManager.invalidateTags`). A function is asked twice: before the method runs, when
   * `result` is `undefined`, for the tags that the arguments give, and then with the result.
   * @default none
   */
  tags?: readonly string[] | Tags;
  /**
   * Whether a result is kept. Callers that wait for the same result get it all the same.
   * @default every result is kept
   */
  when?: When;
  /** Which errors are kept. @default false, none */
  cacheErrors?: CacheErrors;
  /**
   * Whether each caller gets a copy, so that none can change what another gets. `false` gives
   * all the same object: for results that nobody changes, and for those that cannot be copied,
   * which then live in memory only.
   * @default true
   */
  isolate?: boolean;
  /**
   * Calls that are made when the kernel has started, in the background and four at a time: a list
   * of argument lists, or a function that gives one. For static methods, and for methods of
   * classes under `@service()`, whose instance the kernel makes.
   * @default none
   */
  warm?: Lists | (() => Lists | Promise<Lists>);
}

/** {@link CachedOptions} once the schema has read them. */
export interface EffectiveCachedOptions extends EffectiveTimingOptions, CallKeyOptions, KeepingOptions {
  readonly files?: (...args: any[]) => FileKey | readonly FileKey[];
  readonly cacheErrors?: EffectiveCacheErrors;
  readonly isolate: boolean;
  readonly warm?: ArgumentLists | (() => ArgumentLists | Promise<ArgumentLists>);
}

declare module "@mlmcp/core" {
  interface AdviceOptions {
    cached: CachedOptions | Duration;
  }
}

/** How long, or a function that says how long. */
export const ttlSchema = {
  description: "How long a result is fresh; 0 keeps nothing. Default: cache.ttl.",
  anyOf: [{ duration: true }, { typeof: "function" }],
} satisfies JsonSchema;

export const tagsSchema = {
  description: "Names under which results are made outdated together.",
  anyOf: [{ type: "array", items: { type: "string", minLength: 1 } }, { typeof: "function" }],
} satisfies JsonSchema;

export const isolateSchema = {
  description: "Whether each caller gets a copy.",
  type: "boolean",
  default: true,
} satisfies JsonSchema;

export const cacheErrorsSchema = {
  description: "Which errors are kept: all, for so long, on these conditions, or both.",
  anyOf: [
    { type: "boolean" },
    { duration: true },
    { typeof: "function" },
    { ...errorConditionsSchema, type: "array" },
    {
      type: "object",
      properties: {
        when: { description: "The errors that are kept.", ...errorConditionsSchema },
        ttl: { description: "For how long. Default: as results.", duration: true },
      },
    },
  ],
} satisfies JsonSchema;

export const cachedSchema = {
  description: "Keeps results: options of @cached.",
  type: "object",
  properties: {
    ttl: ttlSchema,
    ...timingProperties,
    key: { typeof: "function" },
    files: { typeof: "function" },
    namespace: { description: "Keeps entries apart that would be the same.", type: "string" },
    version: {
      description: "Change it when the results mean something else than before.",
      type: ["string", "number"],
    },
    scope: {
      description: "Whether instances share results.",
      enum: ["class", "instance"],
      default: "class",
    },
    tags: tagsSchema,
    when: { typeof: "function" },
    cacheErrors: cacheErrorsSchema,
    isolate: isolateSchema,
    warm: {
      description: "Calls that are made when the kernel has started, by their arguments.",
      anyOf: [{ type: "array", items: { type: "array" } }, { typeof: "function" }],
    },
  },
} satisfies JsonSchema;
