import { expect, it } from "vitest";
import { ConfigurationError } from "../../../src/errors/index.js";
import { RedisRateLimits } from "../../../src/resilience/limits/redis-rate-limits.js";

it("names the packages that a rate limit in a Redis needs, where they are missing", async () => {
  const missing = new Error("Cannot find package 'ioredis'");
  const limits = new RedisRateLimits(() => Promise.reject(missing));
  const error = await limits
    .take("key", { url: "redis://127.0.0.1", name: "run", limit: 1, interval: 1_000 })
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigurationError);
  expect(error).toMatchObject({ code: "MLMCP_RATE_LIMIT_STORE", cause: missing });
  expect(String(error)).toContain("npm install rate-limiter-flexible ioredis");
});

it.each([
  ["redis://cache", "redis://cache"],
  ["rediss://cache:1/2", "rediss://cache:1/2"],
  ["valkey://cache", "redis://cache"],
  ["valkeys://me:valkey@valkey/1", "rediss://me:valkey@valkey/1"],
])("gives %s to the client as %s", async (url, expected) => {
  const given: string[] = [];
  class Client {
    constructor(to: string) {
      given.push(to);
    }
    on(): void {}
    disconnect(): void {}
    async connect(): Promise<void> {}
  }
  class Limiter {
    async consume(): Promise<void> {}
  }
  const packages = { redis: { Redis: Client }, limiters: { RateLimiterRedis: Limiter } };
  const limits = new RedisRateLimits(async () => packages as never);
  expect(await limits.take("key", { url, name: "run", limit: 1, interval: 1_000 })).toBe(0);
  expect(given).toEqual([expected]);
  limits.end();
});

it("opens no connection for a call that is left over when its kernel has stopped", async () => {
  const limits = new RedisRateLimits();
  const taken = limits.take("key", { url: "redis://127.0.0.1:1", name: "run", limit: 1, interval: 1_000 });
  limits.end();
  await expect(taken).rejects.toThrow("their kernel has stopped");
});
