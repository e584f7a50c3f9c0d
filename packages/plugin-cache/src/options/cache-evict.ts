import type { JsonSchema } from "@mlmcp/core";
import type { OperationReference } from "../operations/cached-operations.js";
import { tagsSchema } from "./cached.js";
import type { CallFunction, EntryFunction, TagsFunction } from "./functions.js";

/** Options of `@cacheEvict`: what it invalidates, and when. At least one of the first four has to be given. */
export interface CacheEvictOptions<
  Key extends EntryFunction = EntryFunction,
  Tags extends TagsFunction = TagsFunction,
> {
  /**
   * Makes every entry outdated that has one of these tags. A function is given the method's result
   * and its arguments; before the method has run the result is `undefined`.
   * @default none
   */
  tags?: readonly string[] | Tags;
  /**
   * The cached method whose entry is deleted, or several: by id (`"Users.find"`), by name where it
   * is a method of the same class (`"find"`), or as `() => Users.prototype.find`. The entry is that
   * of a call with the same arguments, unless `key` or `all` says otherwise.
   * @default none
   */
  operation?: OperationReference | readonly OperationReference[];
  /**
   * Which entry: with `operation` the arguments of the call, as an array, made of the arguments of
   * this one; without it a key of the `CacheManager`. It is asked before the method runs.
   * @default the same arguments, with `operation`
   */
  key?: Key;
  /** All entries of `operation`; without `operation` the whole cache is emptied. @default false */
  all?: boolean;
  /**
   * `"after"`: once the method has succeeded, before its caller has the result; `"before"`: whether it
   * will succeed or not.
   * @default "after"
   */
  when?: "before" | "after";
}

/** What `@cacheEvict` needs of its options in code: something to evict, and as `key` of an operation's entry a call's arguments. */
export type NamesEntries =
  | { readonly tags: object; readonly operation?: undefined }
  | { readonly operation: object | string; readonly key?: CallFunction }
  | { readonly operation?: undefined; readonly key: EntryFunction }
  | { readonly operation?: undefined; readonly all: true };

/** {@link CacheEvictOptions} once the schema has read them. */
export interface EffectiveCacheEvictOptions {
  readonly tags?: readonly string[] | TagsFunction;
  readonly operation?: OperationReference | readonly OperationReference[];
  readonly key?: EntryFunction;
  readonly all: boolean;
  readonly when: "before" | "after";
}

declare module "@mlmcp/core" {
  interface AdviceOptions {
    cacheEvict: CacheEvictOptions;
  }
}

const reference = [{ type: "string", minLength: 1 }, { typeof: "function" }] satisfies JsonSchema[];

export const operationSchema = {
  description: "The cached method that is meant: its id, or its name in the same class.",
  anyOf: reference,
} satisfies JsonSchema;

export const cacheEvictSchema = {
  description: "Invalidates what is cached: options of @cacheEvict.",
  type: "object",
  properties: {
    tags: tagsSchema,
    operation: {
      description: "The cached methods whose entries are deleted: ids, or names in the same class.",
      anyOf: [...reference, { type: "array", items: { anyOf: reference }, minItems: 1 }],
    },
    key: { typeof: "function" },
    all: {
      description: "All entries of the operation, or of the whole cache.",
      type: "boolean",
      default: false,
    },
    when: {
      description: "Before the method runs, or after it has succeeded.",
      enum: ["before", "after"],
      default: "after",
    },
  },
} satisfies JsonSchema;

/** What is wrong with options that are right each by itself. */
export function evictProblem({ tags, operation, key, all }: EffectiveCacheEvictOptions): string | undefined {
  if (key !== undefined && all) return "key means one entry and all means every one. Remove one of them.";
  if (tags === undefined && operation === undefined && key === undefined && !all)
    return "it names nothing to evict. Give `tags`, `operation`, `key` or `all: true`.";
  return undefined;
}
