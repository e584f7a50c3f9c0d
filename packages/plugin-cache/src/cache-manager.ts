import { type Duration, parseDuration, ValidationError } from "@mlmcp/core";
import { absent, type Cache } from "./cache.js";
import { createKeys, keyspace } from "./key.js";
import type { Owner, Plan } from "./plan.js";
import { UnstorableError } from "./snapshot.js";
import type { CacheStatistics } from "./statistics.js";

export interface SetOptions {
  /** How long the value is fresh, in milliseconds or as a text (`"5m"`). @default the section's `cache.ttl` */
  readonly ttl?: Duration;
}

/** What a manager needs of its kernel. */
export interface ManagerParts {
  readonly cache: Cache;
  readonly owner: Owner;
  /** The section's `ttl`, asked at each call, since a reload may change it. */
  defaultTtl(): number;
  /** The master switch. */
  enabled(): boolean;
}

/**
 * The cache by hand, for what no decorator fits. Keys may be any value that could be an argument
 * of a cached method; they never meet the decorated methods' own. Values are copied going in and
 * coming out.
 *
 * ```ts
 * const cache = kernel.resolve(CacheManager);
 * const rates = await cache.getOrSet(["rates", day], () => fetchRates(day), { ttl: "10m" });
 * ```
 */
export class CacheManager {
  readonly #parts: ManagerParts;
  readonly #keyOf: (args: unknown[]) => string;

  constructor(parts: ManagerParts) {
    this.#parts = parts;
    this.#keyOf = createKeys("CacheManager", parts.cache.spaceOf(keyspace("CacheManager")));
  }

  /**
   * The value of a key, or what the function makes, run once for all who ask at the same time.
   * Errors are not kept.
   */
  async getOrSet<T>(key: unknown, make: () => T | Promise<T>, options: SetOptions = {}): Promise<T> {
    const { cache, owner, enabled } = this.#parts;
    if (!enabled()) return make();
    const text = this.#keyOf([key]);
    const found = cache.recall(text, owner);
    if (found !== absent) return found as T;
    const run = async (): Promise<T> => make();
    const plan: Plan = {
      owner,
      ttl: this.#ttl(options),
      isolate: true,
      begin: () => ({ promise: run(), abandon: () => undefined }),
      alone: run,
      wanted: () => true,
    };
    return (await cache.load(text, plan)) as T;
  }

  /** The value of a key; `undefined` where there is none. */
  async get<T = unknown>(key: unknown): Promise<T | undefined> {
    if (!this.#parts.enabled()) return undefined;
    const found = await this.#parts.cache.find(this.#keyOf([key]), this.#parts.owner);
    return found === absent ? undefined : (found as T);
  }

  /**
   * Keeps a value. Answers whether every tier has it: `false` where the store failed and memory
   * alone has it, or where caching is turned off.
   *
   * @throws ValidationError for values that cannot be copied, such as functions and instances of classes.
   */
  async set(key: unknown, value: unknown, options: SetOptions = {}): Promise<boolean> {
    if (!this.#parts.enabled()) return false;
    const text = this.#keyOf([key]);
    try {
      return await this.#parts.cache.set(text, value, { owner: this.#parts.owner, ttl: this.#ttl(options) });
    } catch (error) {
      if (!(error instanceof UnstorableError)) throw error;
      throw new ValidationError(`The value cannot be cached: ${error.message}. Give plain data.`, {
        code: "MLMCP_CACHE_VALUE",
        cause: error,
      });
    }
  }

  /** Answers whether there was something. */
  delete(key: unknown): Promise<boolean> {
    return this.#parts.cache.delete(this.#keyOf([key]), this.#parts.owner);
  }

  /**
   * Empties the cache, those of decorated methods included.
   *
   * @throws the store's error, where it could not be emptied.
   */
  clear(): Promise<void> {
    return this.#parts.cache.clear(this.#parts.owner);
  }

  /** What the cache holds and how it did since the kernel started, for each operation and in all. */
  stats(): Promise<CacheStatistics> {
    return this.#parts.cache.statistics();
  }

  #ttl({ ttl }: SetOptions): number {
    if (ttl === undefined) return this.#parts.defaultTtl();
    const milliseconds = parseDuration(ttl);
    if (milliseconds !== undefined) return milliseconds;
    throw new ValidationError(
      `ttl is ${JSON.stringify(ttl)}; expected milliseconds or a text such as "5m".`,
      {
        code: "MLMCP_CACHE_TTL",
      },
    );
  }
}
