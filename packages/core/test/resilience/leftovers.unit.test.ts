import {
  bulkhead,
  Bulkheads,
  chaos,
  CircuitBreakers,
  degrade,
  hedge,
  rateLimit,
  RateLimiters,
  retry,
  timeout,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { getEventListeners, setMaxListeners } from "node:events";
import { expect, it } from "vitest";
import { leftoversOf } from "../../src/testing/leftovers.js";

const CALLS = 100_000;
const AT_ONCE = 200;

/** Numbers that look like chance and are the same each time (mulberry32). */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = seeded(20);

class Everything {
  @degrade({ fallback: { value: "stand-in" }, breaker: { failureThreshold: 50, resetAfter: 5 } })
  @retry({ maxRetries: 1, initialDelay: 0, jitter: "none" })
  @timeout({ attempt: 20, deadline: 100 })
  @hedge({ after: 5, idempotent: true })
  @rateLimit({ limit: 1_000, interval: 10, key: (key: string) => key, maxKeys: 20, wait: 5 })
  @bulkhead({ maxConcurrent: 150, queue: 20, queueTimeout: 5 })
  @chaos({ errorRate: 0.01, latencyRate: 0.01, latency: { max: 8 } })
  async work(_key: string): Promise<string> {
    const chance = random();
    if (chance < 0.1) throw new Error("down");
    if (chance < 0.12) await new Promise((resolve) => setTimeout(resolve, 30 * random()));
    else if (chance < 0.2) await new Promise((resolve) => setImmediate(resolve));
    return "data";
  }
}

it(`leaves no timer, listener or entry after ${CALLS} calls that fail at random`, async () => {
  const caller = new AbortController();
  setMaxListeners(0, caller.signal);
  const left = await leftoversOf(async () => {
    const kernel = await createTestKernel({ config: { system: { chaos: true } } });
    const everything = kernel.adopt(new Everything());
    const counts: Record<string, number> = {};
    let begun = 0;
    const worker = async (): Promise<void> => {
      while (begun < CALLS) {
        const key = `key ${begun++ % 50}`;
        const call = kernel.withContext({ signal: caller.signal }, () => everything.work(key));
        const outcome = await call.catch((error: { name: string }) => error.name);
        counts[outcome] = (counts[outcome] ?? 0) + 1;
        // Callers who are refused and come back at once would let no timer have its turn.
        if (outcome !== "data") await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect(counts["data"]).toBeGreaterThan(CALLS / 2);
    expect(counts["stand-in"]).toBeGreaterThan(100);
    // What a timeout released and a hedge abandoned ends a little later.
    while (kernel.resolve(Bulkheads).list()[0]!.running > 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(kernel.resolve(Bulkheads).list()).toMatchObject([{ running: 0, waiting: 0 }]);
    expect(kernel.resolve(RateLimiters).list()).toMatchObject([{ keys: 20, waiting: 0 }]);
    expect(kernel.resolve(CircuitBreakers).list()).toHaveLength(1);
    expect(getEventListeners(caller.signal, "abort")).toEqual([]);
    await kernel.stop();
  });
  expect(left).toEqual([]);
});
