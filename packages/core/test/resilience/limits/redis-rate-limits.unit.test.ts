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
