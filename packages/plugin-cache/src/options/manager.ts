import type { Duration, JsonSchema } from "@mlmcp/core";
import { checkOptions, wrongOptions } from "./check-options.js";
import { cacheErrorsSchema, isolateSchema, tagsSchema, ttlSchema, type CacheErrors } from "./cached.js";
import type { KeepingOptions } from "../operations/keeping.js";
import type { Previous } from "../engine/plan.js";
import {
  keepingTimes,
  timingProblem,
  timingProperties,
  type EffectiveTimingOptions,
  type TimingOptions,
} from "./timing.js";

/** Where a key belongs. */
export interface KeyOptions {
  /** Keeps keys apart that would be the same; its bounds of memory are those of the section's `namespaces`. @default none */
  readonly namespace?: string;
}

/** How a value is kept that is given by hand; each option as of `@cached`. */
export interface SetOptions extends KeyOptions, Pick<TimingOptions, "ttlJitter" | "grace" | "refreshAfter"> {
  /** How long the value is fresh, in milliseconds or as a text (`"5m"`). @default the section's `cache.ttl` */
  readonly ttl?: Duration;
  /** Names under which values are made outdated together. @default none */
  readonly tags?: readonly string[];
  /** Whether each taker gets a copy. @default true */
  readonly isolate?: boolean;
}

/** How a value is kept that a function makes; each option as of `@cached`, where functions are given the value. */
export interface GetOrSetOptions<T = unknown> extends KeyOptions, TimingOptions {
  /** @default the section's `cache.ttl` */
  readonly ttl?: Duration | ((value: T) => Duration);
  /** A function is asked twice: with `undefined` before there is a value, and with it. @default none */
  readonly tags?: readonly string[] | ((value: T | undefined) => readonly string[]);
  /** Whether a value is kept. @default every value is */
  readonly when?: (value: T) => boolean | Promise<boolean>;
  /** Which errors are kept. @default false, none */
  readonly cacheErrors?: CacheErrors;
  /** @default true */
  readonly isolate?: boolean;
  /** When it aborts the caller leaves; others who wait do not notice. @default the signal of the decorated call that this one is made in, if any */
  readonly signal?: AbortSignal;
}

/** What a function is given that makes a value, by the type of the one before. */
export interface MakeContext<T = unknown> {
  /** What there is of the key, stale or due for a refresh. */
  readonly previous: Previous<T> | undefined;
  /** Aborts when nobody waits any more, and when the kernel stops. */
  readonly signal: AbortSignal;
  /** The previous value to return, where it is still right. @throws ConfigurationError where there is none */
  unchanged(): never;
  /** Gives back the value, and keeps beside it what tells its source whether it has changed. */
  changed<Value>(value: Value, about: { readonly etag: string | null | undefined }): Value;
}

/** {@link GetOrSetOptions} once the schema has read them. */
export interface EffectiveGetOrSetOptions extends EffectiveTimingOptions, KeepingOptions {
  readonly isolate: boolean;
}

const namespace = { type: "string" } satisfies JsonSchema;

const setSchema = {
  type: "object",
  properties: {
    ttl: { duration: true },
    ...keepingTimes,
    tags: tagsSchema.anyOf[0],
    isolate: isolateSchema,
    namespace,
  },
} satisfies JsonSchema;

const getOrSetSchema = {
  type: "object",
  properties: {
    ttl: ttlSchema,
    ...timingProperties,
    tags: tagsSchema,
    when: { typeof: "function" },
    cacheErrors: cacheErrorsSchema,
    isolate: isolateSchema,
    namespace,
    signal: { type: "object" },
  },
} satisfies JsonSchema;

/** @throws ValidationError (`MLMCP_CACHE_OPTIONS`) with all that is wrong */
export function readGetOrSetOptions<T>(options: GetOrSetOptions<T>): EffectiveGetOrSetOptions {
  const read = checkOptions<EffectiveGetOrSetOptions>("CacheManager.getOrSet", getOrSetSchema, options);
  const problem = timingProblem(read);
  if (problem) throw wrongOptions("CacheManager.getOrSet", [problem]);
  return read;
}

/** {@link SetOptions} once the schema has read them. @throws ValidationError (`MLMCP_CACHE_OPTIONS`) with all that is wrong */
export function readSetOptions(options: SetOptions): EffectiveTimingOptions & {
  readonly ttl?: number;
  readonly tags?: readonly string[];
  readonly isolate: boolean;
} {
  return checkOptions("CacheManager.set", setSchema, options);
}
