import { degrade } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin } from "@mlmcp/plugin-cache";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { StaleCache } from "../../src/kernel/stale-answers.js";
import { subject } from "../subject.js";

afterEach(() => vi.useRealTimers());

const config = { cache: { store: "memory:" } };
const fallback = { breaker: false, fallback: "stale" } as const;

describe('the fallback "stale" of a cached method', () => {
  it("needs a grace: says so at the first call", async () => {
    class Rates {
      @degrade(fallback)
      @cached({ ttl: "1m", name: "Rates.load" })
      async load(): Promise<number> {
        return 1;
      }
    }
    afterAll(() => void Rates);
    await using kernel = await createTestKernel({ plugins: [cachePlugin], config });
    await expect(kernel.adopt(new Rates()).load()).rejects.toMatchObject({
      code: "MLMCP_STALE_ANSWERS",
      message: expect.stringContaining(
        'the results of Rates.load are not kept past their ttl. Give its @cached a `grace`, such as "1h".',
      ),
    });
  });

  it("needs @cached, also where the configuration turned it off", async () => {
    class Rates {
      @degrade({ ...fallback, name: "Rates.bare" })
      async bare(): Promise<number> {
        return 1;
      }
      @degrade(fallback)
      @cached({ name: "Rates.off" })
      async off(): Promise<number> {
        return 1;
      }
    }
    afterAll(() => void Rates);
    const operations = { "Rates.off": { cached: false } };
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { ...config, operations },
    });
    const rates = kernel.adopt(new Rates());
    for (const method of ["bare", "off"] as const) {
      await expect(rates[method]()).rejects.toMatchObject({
        code: "MLMCP_STALE_ANSWERS",
        message: expect.stringContaining(
          `Rates.${method} is not cached. Put @cached({ grace: "1h" }) on it.`,
        ),
      });
    }
  });

  it("gives what is kept past its ttl, however old, in a copy", async () => {
    vi.useFakeTimers();
    const { cache, call, key, owner, trace } = await subject();
    const operation = { id: "A.b" } as Parameters<StaleCache["problem"]>[0];
    const answers = new StaleCache(cache, () => true);
    answers.offer(operation, { owner, grace: 10_000, textOf: (_, [text]) => key(text as string) });
    expect(answers.problem(operation)).toBeUndefined();
    await call("a", () => ({ n: 1 }), { ttl: 1_000, grace: 10_000 });
    vi.advanceTimersByTime(10_999);
    const failed = { operation, self: undefined, error: new Error("down") };
    const found = (await answers.find({ ...failed, args: ["a"] })) as { value: { n: number } };
    found.value.n = 2;
    expect(await answers.find({ ...failed, args: ["a"] })).toEqual({ value: { n: 1 } });
    expect(await answers.find({ ...failed, args: ["b"] })).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(await answers.find({ ...failed, args: ["a"] })).toBeUndefined();
    expect(trace).toEqual(["miss", "set memory", "stale fallback", "stale fallback"]);
  });
});
