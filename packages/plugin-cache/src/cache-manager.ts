import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";
import { ConfigurationError, currentOperation, ValidationError, type ErrorClassifier } from "@mlmcp/core";
import type { Advice } from "./advice/advice.js";
import { absent, type Cache } from "./engine/cache.js";
import { NotAKeyError } from "./keys/canonical.js";
import { isObject, keysByHand, sameKey } from "./operations/call-keys.js";
import type { CachedOperations, OperationReference } from "./operations/cached-operations.js";
import { Conditional } from "./operations/conditional.js";
import type { CacheEntry } from "./engine/entries.js";
import type { Work } from "./flights/single-flight.js";
import { createKeeping } from "./operations/keeping.js";
import {
  readGetOrSetOptions,
  readSetOptions,
  type GetOrSetOptions,
  type KeyOptions,
  type MakeContext,
  type SetOptions,
} from "./options/manager.js";
import type { Caller, Owner, Plan, Previous } from "./engine/plan.js";
import type { CacheInsight, ScopeOptions } from "./operations/insight.js";
import type { CacheStatistics } from "./statistics/summary.js";
import { timingOf } from "./options/timing.js";
import { describePath } from "./values/kinds.js";
import { UnstorableError } from "./values/snapshot.js";
import type { WarmUp, WarmUpReport } from "./operations/warm-up.js";

/** What a manager needs of its kernel. */
export interface ManagerParts {
  readonly cache: Cache;
  readonly owner: Owner;
  readonly operations: CachedOperations;
  readonly warmUp: WarmUp;
  readonly insight: CacheInsight;
  readonly classifier: () => ErrorClassifier;
  /** The section's `ttl`, asked at each call, since a reload may change it. */
  defaultTtl(): number;
  /** The master switch. */
  enabled(): boolean;
}

/**
 * The cache by hand: for what no decorator fits, and for the entries of decorated methods. Keys
 * may be any value that could be an argument of a cached method; they never meet the decorated
 * methods' own. Values are copied going in and coming out.
 *
 * ```ts
 * const cache = kernel.resolve(CacheManager);
 * const rates = await cache.getOrSet(["rates", day], () => fetchRates(day), { ttl: "10m", tags: ["rates"] });
 * await cache.invalidateTags(["rates"]);
 * await cache.invalidate(Users.prototype.find, [7]);
 * ```
 */
export class CacheManager {
  readonly #parts: ManagerParts;
  readonly #namespaces = new Map<string | undefined, (key: unknown) => string>();
  /** Runs a function in no caller's context. */
  readonly #outside = AsyncLocalStorage.snapshot();

  constructor(parts: ManagerParts) {
    this.#parts = parts;
  }

  /**
   * The value of a key, or what the function makes, run once for all who ask at the same time, in
   * no caller's context. Errors are kept only where `cacheErrors` asks for it.
   *
   * The previous value has the type that the result is known to have: by the variable that it goes to, or
   * by `getOrSet<Rates>(…)`. Otherwise it is `unknown`.
   *
   * @throws ValidationError (`MLMCP_CACHE_OPTIONS`, `MLMCP_CACHE_ARGUMENT`); ConfigurationError (`MLMCP_CACHE_KEY`) for what cannot be a key; what the function throws
   */
  async getOrSet<T, Before = T>(
    key: unknown,
    make: (context: MakeContext<Before>) => T | Promise<T>,
    options: GetOrSetOptions<T> = {},
  ): Promise<T> {
    const { cache, owner, enabled } = this.#parts;
    if (typeof make !== "function") throw wrongArgument("getOrSet", "a function that makes the value", make);
    if (!enabled()) return run(make, undefined, new AbortController().signal).promise as Promise<T>;
    const text = this.#textOf("getOrSet", key, options);
    const found = cache.recall(text, owner);
    if (found !== absent) return found as T;
    const { signal } = options;
    const caller: Caller = { ...pickCaller(), ...(signal && { signal }) };
    const { namespace } = options;
    const hasSameKey = sameKey(() => this.#textOf("getOrSet", key, { namespace }), text);
    const plan = { ...this.#planOf(make, options), ...(isObject(key) && { hasSameKey }) };
    return (await cache.load(text, plan, caller)) as T;
  }

  /** The value of a key; `undefined` where there is none. */
  async get<T = unknown>(key: unknown, options: KeyOptions = {}): Promise<T | undefined> {
    const found = await this.#find("get", key, options);
    return found === absent ? undefined : (found as T);
  }

  /** Whether there is a value of a key, which may be `undefined`. Counts as a look-up. */
  async has(key: unknown, options: KeyOptions = {}): Promise<boolean> {
    return (await this.#find("has", key, options)) !== absent;
  }

  /** The values of several keys by key, those that there are, in one reading of the store. */
  async getMany<T = unknown, Key = unknown>(
    keys: readonly Key[],
    options: KeyOptions = {},
  ): Promise<Map<Key, T>> {
    if (!Array.isArray(keys)) throw wrongArgument("getMany", "an array of keys", keys);
    const { cache, owner, enabled } = this.#parts;
    const texts = keys.map((key) => this.#textOf("getMany", key, options));
    const found = enabled() ? await cache.findMany(texts, owner) : [];
    const values = new Map<Key, T>();
    for (const [index, one] of found.entries()) if (one !== absent) values.set(keys[index]!, one as T);
    return values;
  }

  /**
   * Keeps a value. Answers whether every tier has it: `false` where the store failed and memory
   * alone has it, or where caching is turned off, which makes what there was of the key go.
   *
   * @throws ValidationError for values that cannot be copied (`MLMCP_CACHE_VALUE`), such as functions and instances of classes, and for wrong options (`MLMCP_CACHE_OPTIONS`)
   */
  async set(key: unknown, value: unknown, options: SetOptions = {}): Promise<boolean> {
    const { cache, owner, enabled, defaultTtl } = this.#parts;
    const read = readSetOptions(options);
    const text = this.#textOf("set", key, options);
    if (!enabled()) {
      await cache.delete(text, owner);
      return false;
    }
    const { ttl = defaultTtl(), tags, isolate } = read;
    try {
      return await cache.set(text, value, {
        owner,
        timing: timingOf(ttl, read),
        isolate,
        space: options.namespace,
        tags,
      });
    } catch (error) {
      if (!(error instanceof UnstorableError)) throw error;
      throw new ValidationError(`The value cannot be cached: ${error.message}. Give plain data.`, {
        code: "MLMCP_CACHE_VALUE",
        cause: error,
      });
    }
  }

  /** Deletes a key that was set by hand. Answers whether there was something. */
  async delete(key: unknown, options: KeyOptions = {}): Promise<boolean> {
    return this.#parts.cache.delete(this.#textOf("delete", key, options), this.#parts.owner);
  }

  /**
   * Makes the results of a cached method outdated: that of a call with these arguments, or all of
   * them where none are given or its caching is turned off.
   *
   * @param operation the decorated method (`Users.prototype.find`), or the operation's id (`"Users.find"`)
   * @param instance the object whose call is meant, where instances do not share results
   * @throws ConfigurationError where there is no such operation, it is not cached, or the arguments
   * cannot be a key; the store's error, where all are meant and other processes may not learn of it
   */
  async invalidate(
    operation: OperationReference,
    args?: readonly unknown[],
    { instance }: { readonly instance?: object } = {},
  ): Promise<void> {
    const { cache, owner, operations } = this.#parts;
    if (args !== undefined && !Array.isArray(args))
      throw wrongArgument("invalidate", "the arguments of the call as an array, such as [7],", args);
    const { info, cached } = operations.find(operation);
    if (!args || !cached) return cache.invalidateOperation(info.id, owner);
    await cache.delete(await operations.textOf(cached, instance, [...args]), owner);
  }

  /**
   * Makes everything outdated that has one of these tags: at once in this process, also what is
   * under way, and in others as soon as they learn of it.
   *
   * @throws ValidationError (`MLMCP_CACHE_ARGUMENT`) for what are no tags; the store's error: others may still take for valid what was to go
   */
  async invalidateTags(tags: readonly string[]): Promise<void> {
    if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === "string"))
      throw wrongArgument("invalidateTags", 'an array of tags, such as ["users"],', tags);
    return this.#parts.cache.invalidateTags(tags, this.#parts.owner);
  }

  /**
   * Empties the cache, the entries of decorated methods included.
   *
   * @throws the store's error, where it could not be emptied.
   */
  clear(): Promise<void> {
    return this.#parts.cache.clear(this.#parts.owner);
  }

  /** Deletes what has expired, and answers how many entries, as far as the store tells. @throws the store's error */
  clearExpired(): Promise<number> {
    return this.#parts.cache.inventory.deleteExpired();
  }

  /**
   * What memory and the store hold, without the values, each entry once and in no particular
   * order. Entries of the store only where it can list them.
   *
   * @throws the store's error
   */
  entries(filter: { readonly operation?: string } = {}): AsyncIterable<CacheEntry> {
    return this.#parts.cache.inventory.list(filter, this.#parts.owner);
  }

  /**
   * Makes the calls that the `warm` of an operation, or of all, names. A call that fails is the event `cache:error`.
   *
   * @throws ConfigurationError (`MLMCP_CACHE_OPERATION`) for an operation that is not there, or has no `warm`
   */
  warm(operation?: string): Promise<WarmUpReport> {
    return this.#parts.warmUp.run(operation);
  }

  /** What the cache holds and how it did since the kernel started, for each operation and in all. */
  stats(options?: ScopeOptions): Promise<CacheStatistics> {
    return this.#parts.insight.stats(options);
  }

  /**
   * What is worth a change, with what it was found by and what it would gain; that which saves
   * most time first. Takes some milliseconds, since it times copies of what memory holds.
   *
   * ```ts
   * for (const { rule, operation, measured, gain, mend } of await cache.optimize())
   *   console.log(`${rule} ${operation ?? ""}: ${measured} ${gain ?? ""} ${mend}`);
   * ```
   */
  optimize(options?: ScopeOptions): Promise<Advice[]> {
    return this.#parts.insight.optimize(options);
  }

  /** What there is, or {@link absent}. */
  #find(method: string, key: unknown, options: KeyOptions): unknown {
    const { cache, owner, enabled } = this.#parts;
    const text = this.#textOf(method, key, options);
    return enabled() ? cache.find(text, owner) : absent;
  }

  #textOf(method: string, key: unknown, { namespace }: KeyOptions): string {
    let textOf = this.#namespaces.get(namespace);
    if (!textOf) this.#namespaces.set(namespace, (textOf = keysByHand(this.#parts.cache, namespace)));
    try {
      return textOf(key);
    } catch (error) {
      throw refuseKey(method, error);
    }
  }

  #planOf<T, Before>(
    make: (context: MakeContext<Before>) => T | Promise<T>,
    options: GetOrSetOptions<T>,
  ): Plan {
    const { owner, classifier, defaultTtl } = this.#parts;
    const read = readGetOrSetOptions(options);
    const keeping = createKeeping(read, {
      subject: "CacheManager.getOrSet",
      defaultTtl: defaultTtl(),
      classifier: classifier(),
    });
    const { namespace: space } = options;
    let conditional: Conditional | undefined;
    return {
      owner,
      timing: timingOf(keeping.ttl, read),
      isolate: read.isolate,
      ...(space !== undefined && { space }),
      tags: keeping.tagsBefore([], owner.observer.failed),
      begin: (previous) => {
        const begun = this.#outside(() => {
          const controller = new AbortController();
          const { promise, about } = run(make, previous as Previous<Before> | undefined, controller.signal);
          return { about, promise, abandon: (reason: unknown) => controller.abort(reason) };
        });
        conditional = begun.about;
        return begun satisfies Work<unknown>;
      },
      alone: () => this.#outside(() => run(make, undefined, new AbortController().signal).promise),
      async judge(outcome) {
        const verdict = await keeping.judge(outcome, []);
        const etag = outcome.ok ? conditional?.etagOf(outcome.value) : undefined;
        return verdict && etag !== undefined ? { ...verdict, etag } : verdict;
      },
    };
  }
}

function wrongArgument(method: string, expected: string, received: unknown): ValidationError {
  const shown =
    typeof received === "function" ? "a function" : inspect(received, { depth: 1, breakLength: Infinity });
  return new ValidationError(
    `CacheManager.${method} takes ${expected} and was given ${shown.length > 80 ? `${shown.slice(0, 77)}...` : shown}.`,
    { code: "MLMCP_CACHE_ARGUMENT", context: { method } },
  );
}

function refuseKey(method: string, error: unknown): unknown {
  const cause = error instanceof ConfigurationError ? error.cause : undefined;
  if (!(cause instanceof NotAKeyError)) return error;
  const path = describePath(cause.path.slice(1));
  return new ConfigurationError(
    `CacheManager.${method} cannot take this key: ${path ? `key${path}` : "it"} is ${cause.found}. Give primitives, or plain objects and arrays of them.`,
    { code: "MLMCP_CACHE_KEY", cause, context: { method, found: cause.found } },
  );
}

function run<T, Before>(
  make: (context: MakeContext<Before>) => T | Promise<T>,
  previous: Previous<Before> | undefined,
  signal: AbortSignal,
): { readonly promise: Promise<unknown>; readonly about: Conditional } {
  const about = new Conditional(previous);
  const context: MakeContext<Before> = {
    previous,
    signal,
    unchanged: () => about.confirm() as never,
    changed(value, { etag }) {
      if (etag !== null && etag !== undefined) about.tag(value, etag);
      return value;
    },
  };
  const answer = async (): Promise<unknown> => about.outcomeOf(await make(context));
  return { promise: answer(), about };
}

/** Who asks, where that is a decorated call. */
function pickCaller(): Caller {
  const call = currentOperation();
  if (!call) return {};
  const { signal, deadline } = call;
  return { signal, ...(deadline !== undefined && { deadline }) };
}
