import {
  bulkhead,
  Bulkheads,
  CircuitBreakers,
  degrade,
  hedge,
  rateLimit,
  RateLimiters,
  retry,
  timeout,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const CLASSES = 1_000;

let made = 0;

/** A class that is called once and then forgotten, under an id that no other has. */
const classes: Record<string, () => { work(): Promise<unknown> }> = {
  degrade: () => {
    const name = `Degraded${++made}.work`;
    class Degraded {
      @degrade({
        name,
        breaker: { failureRate: 0.5, window: 10 },
        bulkhead: { maxConcurrent: 2 },
        timeout: "1s",
      })
      async work() {}
    }
    return new Degraded();
  },
  "degrade by key": () => {
    const name = `Keyed${++made}.work`;
    class Keyed {
      @degrade({ name, breaker: { key: () => "one" } })
      async work() {}
    }
    return new Keyed();
  },
  bulkhead: () => {
    const name = `Limited${++made}.work`;
    class Limited {
      @bulkhead({ name, maxConcurrent: 2 })
      async work() {}
    }
    return new Limited();
  },
  rateLimit: () => {
    const name = `Rated${++made}.work`;
    class Rated {
      @rateLimit({ name, limit: 2, key: () => "one" })
      async work() {}
    }
    return new Rated();
  },
  "retry, timeout and hedge": () => {
    const name = `Tried${++made}.work`;
    class Tried {
      @retry({ name, budget: {} })
      @timeout("1s")
      @hedge({ idempotent: true, budget: { name: "all" } })
      async work() {}
    }
    return new Tried();
  },
};

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Bytes of the heap once what can be collected has gone, and what is told of it has been done. */
async function settledHeap(): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < 8; round += 1) {
    await turn();
    collect();
    least = Math.min(least, process.memoryUsage().heapUsed);
  }
  return least;
}

it.each(Object.keys(classes))("@%s on classes made in a loop goes with them", async (kind) => {
  await using kernel = await createTestKernel();
  const callOnce = async (count: number) => {
    for (let i = 0; i < count; i += 1) await kernel.adopt(classes[kind]!()).work();
  };
  await callOnce(100);
  const before = await settledHeap();
  await callOnce(CLASSES);
  const growth = (await settledHeap()) - before;
  expect(growth / CLASSES, "bytes a class").toBeLessThan(1_000);
  for (const states of [Bulkheads, RateLimiters, CircuitBreakers])
    expect(kernel.resolve<{ list(): unknown[] }>(states).list()).toHaveLength(0);
});
