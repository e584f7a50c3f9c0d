import type { Redis } from "ioredis";
import type { RateLimiterRedis } from "rate-limiter-flexible";
import { ConfigurationError } from "../../errors/index.js";
import type { Rate } from "./rate-window.js";

/** What a call counts with, in a Redis. */
export interface RedisRate extends Rate {
  /** `redis://…`, `rediss://…`, `valkey://…` or `valkeys://…`. */
  readonly url: string;
  /** Apart from other limits in the same Redis. */
  readonly name: string;
}

/** The longest that a call waits for an answer, in milliseconds; then the Redis counts as failed. */
const PATIENCE = 1_000;

/** How long a connection that is closed may still send, in milliseconds. ioredis waits so long even where there is none. */
const FAREWELL = 50;

const load = async () => ({
  redis: await import("ioredis"),
  limiters: await import("rate-limiter-flexible"),
});

interface Connection {
  readonly client: Redis;
  /** The same client, once it has connected or failed to. */
  readonly ready: Promise<Redis>;
  /** By name and rate. */
  readonly limiters: Map<string, RateLimiterRedis>;
}

/**
 * Rate limits that several processes share through a Redis, or a Valkey, which speaks the same protocol. They count with
 * `rate-limiter-flexible`, in windows that begin with the first call after the last one has ended:
 * around the turn of two, up to twice the limit can begin. One connection serves each Redis, from
 * the first call on, as long as an operation uses it.
 */
export class RedisRateLimits {
  readonly #load: typeof load;
  readonly #connections = new Map<string, Connection>();
  /** How many operations count in each Redis. */
  readonly #users = new Map<string, number>();
  #ended = false;

  /** `packages` brings what is loaded only where it is used. */
  constructor(packages: typeof load = load) {
    this.#load = packages;
  }

  /** An operation counts in this Redis, until it calls what this returns: the last one closes the connection. */
  use(url: string): () => void {
    this.#users.set(url, (this.#users.get(url) ?? 0) + 1);
    return () => {
      const others = this.#users.get(url)! - 1;
      this.#users.set(url, others);
      if (others > 0) return;
      this.#users.delete(url);
      this.#connections.get(url)?.client.disconnect();
      this.#connections.delete(url);
    };
  }

  /**
   * Admits one call now: answers 0. Otherwise, how many milliseconds later one could begin.
   *
   * @throws ConfigurationError where the packages are not installed; what the connection throws
   * where the Redis does not answer, and an Error after `end`
   */
  async take(key: string, rate: RedisRate): Promise<number> {
    const limiter = await this.#limiterFor(rate);
    try {
      await limiter.consume(key);
      return 0;
    } catch (refusal) {
      // A refusal is no error, but how things stand.
      if (refusal instanceof Error) throw refusal;
      return Math.max(1, (refusal as { readonly msBeforeNext: number }).msBeforeNext);
    }
  }

  /** Closes the connections; none is opened any more. */
  end(): void {
    this.#ended = true;
    for (const { client } of this.#connections.values()) client.disconnect();
    this.#connections.clear();
  }

  async #limiterFor({ url, name, limit, interval }: RedisRate): Promise<RateLimiterRedis> {
    const id = JSON.stringify([name, limit, interval]);
    let limiter = this.#connections.get(url)?.limiters.get(id);
    if (limiter) return limiter;
    const { redis, limiters } = await this.#packages();
    if (this.#ended) throw new Error("The connections for rate limits are closed: their kernel has stopped.");
    const connection = this.#connections.get(url) ?? this.#connect(url, redis.Redis);
    limiter = new limiters.RateLimiterRedis({
      storeClient: await connection.ready,
      // A colon ends the name: it may not have one of its own, or the keys of two limits could be the same.
      keyPrefix: `mlmcp:rateLimit:${name.replaceAll("%", "%25").replaceAll(":", "%3A")}`,
      points: limit,
      duration: interval / 1_000,
      // Where a key is at its limit this process need not ask again.
      inMemoryBlockOnConsumed: limit,
    });
    connection.limiters.set(id, limiter);
    return limiter;
  }

  /** Connects once for all; commands fail at once while the connection is down, and it mends itself. */
  #connect(url: string, Client: typeof Redis): Connection {
    // It knows the schemes of Redis alone.
    const client = new Client(url.replace(/^valkey/, "redis"), {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: PATIENCE,
      commandTimeout: PATIENCE,
      disconnectTimeout: FAREWELL,
    });
    // Each command that fails says so; without a listener the same would be printed besides.
    client.on("error", () => undefined);
    const ready = client.connect().then(
      () => client,
      // It goes on trying by itself: whoever comes later finds it up or down.
      () => client,
    );
    const connection = { client, ready, limiters: new Map<string, RateLimiterRedis>() };
    this.#connections.set(url, connection);
    return connection;
  }

  async #packages(): ReturnType<typeof load> {
    try {
      return await this.#load();
    } catch (error) {
      throw new ConfigurationError(
        "A rate limit has a `store` in Redis, and the packages for that cannot be loaded. Install them: `npm install rate-limiter-flexible ioredis`.",
        { code: "MLMCP_RATE_LIMIT_STORE", cause: error },
      );
    }
  }
}
