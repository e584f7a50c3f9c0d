import { chaos, ChaosSource, degrade } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin } from "@mlmcp/plugin-cache";
import { expect, it } from "vitest";

it("a wrong result of @chaos never enters the cache", async () => {
  class Rates {
    calls = 0;
    @cached("1h")
    @chaos({ result: { value: "wrong" }, resultRate: 0.5 })
    async load(): Promise<string> {
      return `right ${++this.calls}`;
    }
  }
  let drawn = 0;
  await using kernel = await createTestKernel({
    plugins: [cachePlugin],
    config: { cache: { store: "memory:" }, system: { chaos: true } },
    services: [[ChaosSource, { random: () => drawn }]],
  });
  const rates = kernel.adopt(new Rates());
  expect(await Promise.all([rates.load(), rates.load()])).toEqual(["wrong", "wrong"]);
  drawn = 0.9;
  expect(await rates.load()).toBe("right 1");
  drawn = 0;
  expect(await rates.load()).toBe("right 1");
});

it("a degraded answer of the same method never enters the cache", async () => {
  class Rates {
    failing = true;
    @cached("1h")
    @degrade({ fallback: { value: "stand-in" }, breaker: false })
    async load(): Promise<string> {
      if (this.failing) throw new Error("down");
      return "right";
    }
  }
  await using kernel = await createTestKernel({
    plugins: [cachePlugin],
    config: { cache: { store: "memory:" } },
  });
  const rates = kernel.adopt(new Rates());
  expect(await rates.load()).toBe("stand-in");
  rates.failing = false;
  expect(await rates.load()).toBe("right");
});
