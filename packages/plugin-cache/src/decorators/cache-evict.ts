import {
  ConfigurationError,
  createMethodDecorator,
  type Advice,
  type Binding,
  type DecorationOptions,
  type Invoke,
} from "@mlmcp/core";
import { keysByHand } from "../operations/call-keys.js";
import {
  CachedOperations,
  type CachedOperation,
  type FoundOperation,
} from "../operations/cached-operations.js";
import { invalidate, type Invalidation } from "../engine/invalidation.js";
import { KernelCache } from "../kernel/kernel-cache.js";
import { readTags } from "../operations/keeping.js";
import { createOwner } from "../kernel/owner.js";
import {
  cacheEvictSchema,
  evictProblem,
  type CacheEvictOptions,
  type EffectiveCacheEvictOptions,
  type NamesEntries,
} from "../options/cache-evict.js";
import type { EntryFunction, TagsFunction } from "../options/functions.js";
import type { MethodDecoration } from "./method-types.js";

/**
 * Invalidates what is cached when a method has changed what it was made of: entries by tag, an
 * entry or all entries of a cached method, a key of the `CacheManager`, or everything. Calls under way
 * are covered too: who waits for one is given its result, and it is not kept.
 *
 * It is made also while caching is turned off; what of an operation is meant by its arguments is then
 * everything of it. The caller has its result when the invalidation is done. Where it fails, the call does not:
 * the event `cache:error` tells of it, and it is caught up on when the store answers again.
 *
 * ```ts
 * class Users {
 *   @cached({ tags: (user) => (user ? [`team:${user.team}`] : []) })
 *   async find(id: number): Promise<User> { return this.db.user(id); }
 *
 *   @cacheEvict({ operation: "find", key: (user: User) => [user.id] })
 *   async save(user: User): Promise<void> { await this.db.save(user); }
 *
 *   @cacheEvict({ tags: (_, [team]) => [`team:${team}`] })
 *   async disband(team: string): Promise<void> { await this.db.deleteTeam(team); }
 * }
 * ```
 */
export const cacheEvict = createMethodDecorator<CacheEvictOptions>({
  name: "cacheEvict",
  schema: cacheEvictSchema,
  // Inside the fallback, whose answer is no success of the method.
  parts: [{ at: { before: "cache" }, around }],
  check: (options) => evictProblem(options as EffectiveCacheEvictOptions),
}) as CacheEvictDecorator;

/** The type of {@link cacheEvict}: its options' functions are checked against the method. */
export interface CacheEvictDecorator {
  <Key extends EntryFunction = EntryFunction, Tags extends TagsFunction = TagsFunction>(
    options: CacheEvictOptions<Key, Tags> & NamesEntries & DecorationOptions,
  ): MethodDecoration<{ ofArguments: Key; ofBoth: Tags }>;
  readonly advice: Advice<CacheEvictOptions>;
}

function around(next: Invoke, binding: Binding<CacheEvictOptions>): Invoke {
  const { cache } = binding.resolve(KernelCache);
  const operations = binding.resolve(CachedOperations);
  const { operation } = binding;
  const { tags, operation: named, key, all, when } = binding.options as EffectiveCacheEvictOptions;
  const subject = `@cacheEvict on ${operation.id}`;
  const owner = createOwner(cache, operation.id, { event: (name) => binding.event(name) });
  const references = named === undefined ? [] : [named].flat();
  const keyOf = keysByHand(cache);
  let targets: readonly FoundOperation[] | undefined;

  /** The entries that are meant, while nothing has happened yet: what cannot be named is an error of the caller's. */
  const entriesOf = async (self: unknown, args: unknown[]): Promise<Invalidation> => {
    targets ??= references.map((reference) => operations.find(reference, operation));
    if (all)
      return references.length > 0
        ? { operations: targets.map(({ info }) => info.id) }
        : { everything: true };
    if (references.length === 0) return key ? { entries: [keyOf(key(...args))] } : {};
    const wanted = key ? readArguments(key(...args), subject) : args;
    const entryOf = (one: CachedOperation): Promise<string> => operations.textOf(one, self, wanted);
    return {
      operations: targets.flatMap(({ info, cached }) => (cached ? [] : [info.id])),
      entries: await Promise.all(targets.flatMap(({ cached }) => (cached ? [entryOf(cached)] : []))),
    };
  };
  const evict = async (entries: Invalidation, result: unknown, args: unknown[]): Promise<void> => {
    let names: readonly string[] = [];
    try {
      names = typeof tags === "function" ? readTags(tags(result, args), subject) : (tags ?? []);
    } catch (error) {
      owner.observer.failed("invalidate", error);
    }
    await invalidate(cache, { ...entries, tags: names }, owner);
  };

  return async (self, args) => {
    const entries = await entriesOf(self, args);
    if (when === "before") {
      await evict(entries, undefined, args);
      return next(self, args);
    }
    const result = await next(self, args);
    await evict(entries, result, args);
    return result;
  };
}

/** What a `key` gave for the arguments of a call. @throws ConfigurationError where it is no array */
export function readArguments(given: unknown, subject: string): unknown[] {
  if (Array.isArray(given)) return given;
  throw new ConfigurationError(
    `The \`key\` of ${subject} gave ${given === null ? "null" : `a value of type ${typeof given}`}. Return the arguments of the call whose entry is meant, as an array: \`(id) => [id]\`.`,
    { code: "MLMCP_CACHE_KEY", context: { subject } },
  );
}
