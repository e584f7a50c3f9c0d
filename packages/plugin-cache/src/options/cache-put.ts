import type { Duration, JsonSchema } from "@mlmcp/core";
import type { OperationReference } from "../operations/cached-operations.js";
import type { KeepingOptions } from "../operations/keeping.js";
import { keepingTimes, type EffectiveTimingOptions, type TimingOptions } from "./timing.js";
import { operationSchema } from "./cache-evict.js";
import { tagsSchema, ttlSchema } from "./cached.js";
import type { CallFunction, PutKeyFunction, TagsFunction, TtlFunction, WhenFunction } from "./functions.js";

/** Options of `@cachePut`. What it is not told it takes from the `@cached` of `operation`. */
export interface CachePutOptions<
  Key extends PutKeyFunction = PutKeyFunction,
  When extends WhenFunction = WhenFunction,
  Ttl extends TtlFunction = TtlFunction,
  Tags extends TagsFunction = TagsFunction,
> extends Pick<TimingOptions, "ttlJitter" | "grace" | "refreshAfter"> {
  /**
   * The cached method whose entry the result becomes: by id (`"Users.find"`), by name where it is
   * a method of the same class (`"find"`), or as `() => Users.prototype.find`.
   * @default none, the entry is one of the `CacheManager`
   */
  operation?: OperationReference;
  /**
   * Which entry: with `operation` the arguments of the call, as an array, made of the result and the
   * arguments of this one: `(user) => [user.id]`; without it a key of the `CacheManager`.
   * @default the same arguments, with `operation`; without it a key is needed
   */
  key?: Key;
  /** As of `@cached`. @default that of `operation`, or the section's `cache.ttl` */
  ttl?: Duration | Ttl;
  /** As of `@cached`; a function is given the result and the arguments of this method. @default those of `operation` */
  tags?: readonly string[] | Tags;
  /** Whether the result is kept. @default what `operation` says of a result of its own */
  when?: When;
  /** As of `@cached`. @default that of `operation`, or true */
  isolate?: boolean;
  /** Of the `CacheManager`'s keys; not with `operation`, which has its own. @default none */
  namespace?: string;
}

/** What `@cachePut` needs of its options in code: which entry, and as `key` of an operation's entry a call's arguments. */
export type NamesEntry =
  | { readonly operation: object | string; readonly key?: CallFunction; readonly namespace?: undefined }
  | { readonly operation?: undefined; readonly key: PutKeyFunction };

/** {@link CachePutOptions} once the schema has read them. */
export interface EffectiveCachePutOptions
  extends
    Pick<EffectiveTimingOptions, "ttlJitter" | "grace" | "refreshAfter">,
    Pick<KeepingOptions, "ttl" | "tags" | "when"> {
  readonly operation?: OperationReference;
  readonly key?: PutKeyFunction;
  readonly isolate?: boolean;
  readonly namespace?: string;
}

declare module "@mlmcp/core" {
  interface AdviceOptions {
    cachePut: CachePutOptions;
  }
}

export const cachePutSchema = {
  description: "Keeps results as those of a cached method: options of @cachePut.",
  type: "object",
  properties: {
    operation: operationSchema,
    key: { typeof: "function" },
    ttl: ttlSchema,
    ...keepingTimes,
    tags: tagsSchema,
    when: { typeof: "function" },
    isolate: { description: "Whether each caller gets a copy.", type: "boolean" },
    namespace: { description: "Of the key, where no operation is named.", type: "string" },
  },
} satisfies JsonSchema;

/** What is wrong with options that are right each by itself. */
export function putProblem({ operation, key, namespace }: EffectiveCachePutOptions): string | undefined {
  if (operation !== undefined && namespace !== undefined)
    return "namespace is that of the operation's entries, which has its own. Remove it.";
  if (operation === undefined && key === undefined)
    return 'nothing says which entry the result becomes. Give `operation: "find"`, or a `key` of the CacheManager.';
  return undefined;
}
