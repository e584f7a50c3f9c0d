import { createKernel, service, TOOL } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin, CacheManager } from "@mlmcp/plugin-cache";
import { afterAll, expect, it, onTestFinished, vi } from "vitest";
import { collect, gate, inMemory } from "../decorators/in-memory.js";

const doors = Array.from({ length: 8 }, () => gate());
const trace: string[] = [];

@service()
class Reports {
  @cached({ warm: [["EU"], ["US"]], name: "WarmReports.summary" })
  async summary(region: string): Promise<string> {
    trace.push(`summary ${region}`);
    if (region === "US") throw new Error("no data");
    return region;
  }
}

class Rates {
  @cached({ warm: async () => [["today"]], name: "WarmRates.load" })
  static async load(day: string): Promise<string> {
    trace.push(`rates ${day}`);
    return day;
  }
}

class Slow {
  static running = 0;
  static most = 0;
  static begun = 0;
  @cached({ warm: () => Array.from({ length: 8 }, (_, index) => [index]), name: "WarmSlow.load" })
  static async load(index: number): Promise<number> {
    Slow.begun++;
    Slow.most = Math.max(Slow.most, ++Slow.running);
    await doors[index]!.promise;
    Slow.running--;
    return index;
  }
}

class Homeless {
  @cached({ warm: [[]], name: "Homeless.load" })
  async load(): Promise<void> {}
}

class Wrong {
  @cached({ warm: (() => ["EU"]) as unknown as () => [string][], name: "WarmWrong.load" })
  static async load(_region: string): Promise<void> {}
}

afterAll(() => void [Homeless, Wrong]);

/** Of the classes of this module only those that a test is about are warm. */
const only = (...ids: string[]): { operations: Record<string, { cached: false }> } => ({
  operations: Object.fromEntries(
    ["WarmReports.summary", "WarmRates.load", "WarmSlow.load", "Homeless.load", "WarmWrong.load"]
      .filter((id) => !ids.includes(id))
      .map((id) => [id, { cached: false as const }]),
  ),
});

it("makes the calls of services and static methods when the kernel has started, and waits for none", async () => {
  trace.length = 0;
  const errors = collect("cache:error");
  const kernel = await inMemory(only("WarmReports.summary", "WarmRates.load"));
  await vi.waitFor(() => expect(trace.toSorted()).toEqual(["rates today", "summary EU", "summary US"]));
  await kernel.resolve(Reports).summary("EU");
  await Rates.load("today");
  expect(trace.length).toBe(3);
  await vi.waitFor(() =>
    expect(errors).toMatchObject([
      { action: "warm", operation: "WarmReports.summary", error: { message: "no data" } },
    ]),
  );
  expect((await kernel.resolve(CacheManager).stats()).operations["WarmReports.summary"]).toMatchObject({
    errors: 1,
  });
});

it("makes four calls at a time, and begins no further one when the kernel stops", async () => {
  const kernel = await createTestKernel({
    plugins: [cachePlugin],
    config: { cache: { store: "memory:" }, ...only("WarmSlow.load") },
  });
  await vi.waitFor(() => expect(Slow.running).toBe(4));
  doors[0]!.open();
  await vi.waitFor(() => expect(Slow.begun).toBe(5));
  const stopping = kernel.stop();
  for (const door of doors) door.open();
  await stopping;
  expect([Slow.most, Slow.begun]).toEqual([4, 5]);
});

it("tells of methods that it has no object for, and of lists that are none", async () => {
  const errors = collect("cache:error");
  await inMemory(only("Homeless.load", "WarmWrong.load"));
  await vi.waitFor(() => expect(errors.length).toBe(2));
  expect(errors).toMatchObject([
    {
      action: "warm",
      error: {
        code: "MLMCP_CACHE_WARM",
        message:
          "Homeless.load cannot be warmed: its class is no service of the kernel, which has no object to call it on. " +
          "Put @service() on the class, or remove `warm`.",
      },
    },
    {
      action: "warm",
      error: {
        code: "MLMCP_CACHE_WARM",
        message:
          'The `warm` of @cached on WarmWrong.load gave no list of argument lists. Return one such as [["EU"], ["US"]].',
      },
    },
  ]);
});

it("can be asked for, for one operation or all, and says what it came to", async () => {
  const kernel = await inMemory(only("WarmReports.summary", "WarmRates.load"));
  const manager = kernel.resolve(CacheManager);
  expect(await manager.warm("WarmReports.summary")).toEqual({ warmed: 1, failed: 1 });
  expect(await manager.warm()).toEqual({ warmed: 2, failed: 1 });
  // The configuration leaves its @cached out.
  expect(await manager.warm("WarmSlow.load")).toEqual({ warmed: 0, failed: 0 });
  await expect(manager.warm("WarmRates.laod")).rejects.toMatchObject({
    code: "MLMCP_CACHE_OPERATION",
    message: '"WarmRates.laod" cannot be warmed: there is no such operation. Did you mean "WarmRates.load"?',
  });
});

it("is refused for a function that is wrapped, which the kernel cannot know at its start", async () => {
  const kernel = await createKernel({
    configFile: false,
    config: { cache: { store: "memory:" }, ...only() },
  });
  onTestFinished(() => kernel.stop());
  const wrapped = kernel.wrap(async () => 1, { name: "wrapped", cached: { warm: [[]] } });
  await expect(wrapped()).rejects.toThrow(
    "warm: a function that is wrapped is there only once the kernel runs. Call it yourself.",
  );
});

it("happens by itself in an application only, and not in the kernel of a command", async () => {
  trace.length = 0;
  const kernel = await createKernel({
    configFile: false,
    config: { cache: { store: "memory:" }, ...only("WarmRates.load") },
    start: false,
  });
  onTestFinished(() => kernel.stop());
  kernel.services.value(TOOL, true);
  await kernel.start();
  await new Promise((resolve) => setImmediate(resolve));
  expect(trace).toEqual([]);
  await kernel.resolve(CacheManager).warm("WarmRates.load");
  expect(trace).toEqual(["rates today"]);
});
