import {
  createMethodDecorator,
  ErrorClassifier,
  type Advice,
  type Binding,
  type DecorationOptions,
  type Invoke,
} from "@mlmcp/core";
import { byHand, keysByHand } from "../operations/call-keys.js";
import {
  CachedOperations,
  type CachedOperation,
  type FoundOperation,
} from "../operations/cached-operations.js";
import { invalidate } from "../engine/invalidation.js";
import { createKeeping } from "../operations/keeping.js";
import { isEnabled, KernelCache, sectionOf } from "../kernel/kernel-cache.js";
import { createOwner } from "../kernel/owner.js";
import { timingOf } from "../options/timing.js";
import { readArguments } from "./cache-evict.js";
import {
  cachePutSchema,
  putProblem,
  type CachePutOptions,
  type EffectiveCachePutOptions,
  type NamesEntry,
} from "../options/cache-put.js";
import type { PutKeyFunction, TagsFunction, TtlFunction, WhenFunction } from "../options/functions.js";
import type { MethodDecoration } from "./method-types.js";

/**
 * Runs the method at every call and keeps its result as if a cached method had made it, which then
 * need not: for methods that save what another one loads. Of two that run at the same time the one
 * that ends last stays; where that is not good enough use `@cacheEvict`.
 *
 * The caller has its result when it is kept. Where that fails, the call does not: the event
 * `cache:error` tells of it. Results that stand in for the method's own, such as those of `@chaos`,
 * are not kept. While caching is turned off, what was there goes.
 *
 * ```ts
 * class Users {
 *   @cached("1h")
 *   async find(id: number): Promise<User> { return this.db.user(id); }
 *
 *   @cachePut({ operation: "find", key: (user: User) => [user.id] })
 *   async create(name: string): Promise<User> { return this.db.insert(name); }
 * }
 * ```
 */
export const cachePut = createMethodDecorator<CachePutOptions>({
  name: "cachePut",
  schema: cachePutSchema,
  parts: [{ at: "cache", around }],
  check: (options) => putProblem(options as EffectiveCachePutOptions),
}) as CachePutDecorator;

/** The type of {@link cachePut}: its options' functions are checked against the method. */
export interface CachePutDecorator {
  <
    Key extends PutKeyFunction = PutKeyFunction,
    When extends WhenFunction = WhenFunction,
    Ttl extends TtlFunction = TtlFunction,
    Tags extends TagsFunction = TagsFunction,
  >(
    options: CachePutOptions<Key, When, Ttl, Tags> & NamesEntry & DecorationOptions,
  ): MethodDecoration<{ ofResult: Key | When | Ttl; ofBoth: Tags }>;
  readonly advice: Advice<CachePutOptions>;
}

/** The arguments of this method, and those of the call whose entry its result becomes. */
interface Calls {
  readonly own: unknown[];
  readonly entry: unknown[];
}

function around(next: Invoke, binding: Binding<CachePutOptions>): Invoke {
  const { cache } = binding.resolve(KernelCache);
  const operations = binding.resolve(CachedOperations);
  const { operation } = binding;
  const options = binding.options as EffectiveCachePutOptions;
  const { key, operation: named, namespace } = options;
  const subject = `@cachePut on ${operation.id}`;
  const keyOf = keysByHand(cache, namespace);

  const keeperFor = (target: CachedOperation | undefined) => {
    const theirs = target?.options;
    const owner = createOwner(cache, target?.info.id ?? byHand, { event: (name) => binding.event(name) });
    const keeping = createKeeping<Calls>(
      {
        ttl: ofOwn(options.ttl) ?? ofEntry(theirs?.ttl),
        tags: ofOwn(options.tags) ?? ofEntry(theirs?.tags),
        when: ofOwn(options.when) ?? ofEntry(theirs?.when),
      },
      {
        subject,
        defaultTtl: sectionOf(binding.config).ttl,
        classifier: binding.resolve(ErrorClassifier),
      },
    );
    const times = { ...theirs, ...options };
    const isolate = options.isolate ?? theirs?.isolate ?? true;
    const space = target ? theirs?.namespace : namespace;

    return async (value: unknown, self: unknown, args: unknown[]): Promise<void> => {
      try {
        const given: unknown = key ? key(value, args) : args;
        const entry = target ? readArguments(given, subject) : args;
        const verdict = await keeping.judge({ ok: true, value }, { own: args, entry });
        if (!verdict?.ttl) return;
        const text = target ? await operations.textOf(target, self, entry) : keyOf(given);
        try {
          await cache.set(text, value, {
            owner,
            timing: timingOf(verdict.ttl, times),
            isolate,
            ...(space !== undefined && { space }),
            ...(target?.keys.isPrivate(self) && { inMemoryOnly: true }),
            tags: verdict.tags ?? keeping.fixedTags,
          });
        } catch (error) {
          owner.observer.failed("copy", error);
          // What is there is no longer right.
          await cache.delete(text, owner);
        }
      } catch (error) {
        owner.observer.failed("set", error);
      }
    };
  };

  /** What is there is no longer right, and the result is not kept: for as long as caching is turned off. */
  const outdaterFor = (target: FoundOperation | undefined) => {
    const owner = createOwner(cache, operation.id, { event: (name) => binding.event(name) });
    return async (value: unknown, _self: unknown, args: unknown[]): Promise<void> => {
      try {
        const meant = target
          ? { operations: [target.info.id] }
          : { entries: [keyOf(key ? key(value, args) : args)] };
        await invalidate(cache, meant, owner);
      } catch (error) {
        owner.observer.failed("invalidate", error);
      }
    };
  };

  let keep: ReturnType<typeof keeperFor> | undefined;
  return async (self, args) => {
    if (!keep) {
      const target = named === undefined ? undefined : operations.find(named, operation);
      const isOn = isEnabled(binding.config) && (!target || target.cached);
      keep = isOn ? keeperFor(target?.cached) : outdaterFor(target);
    }
    const scope = binding.fork({ collect: true });
    const value = await (scope ? scope.run(next, self, args) : next(self, args));
    // What stands in for a result, such as one of `@chaos`, is for this caller and nobody else.
    if (!scope?.collected?.degraded) await keep(value, self, args);
    return value;
  };
}

type Option = ((result: unknown, args: unknown) => unknown) | object | number | undefined;

/** An option that is given the arguments of this method. */
function ofOwn<T extends Option>(option: T): T {
  return withArguments(option, ({ own }) => own);
}

/** An option that is given those of the entry. */
function ofEntry<T extends Option>(option: T): T {
  return withArguments(option, ({ entry }) => entry);
}

function withArguments<T extends Option>(option: T, pick: (calls: Calls) => unknown[]): T {
  if (typeof option !== "function") return option;
  return ((result: unknown, calls: Calls) => option(result, pick(calls))) as T;
}
