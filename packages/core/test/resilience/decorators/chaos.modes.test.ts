import {
  chaos,
  ChaosSource,
  ConfigurationError,
  degrade,
  isChaosError,
  retry,
  timeout,
  type ChaosOptions,
  type Kernel,
  type KernelConfig,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traceEvents } from "../events.js";
import { written } from "../../support/written.js";

/** Draws these numbers, then the last one for ever. */
const drawing = (...numbers: number[]): ChaosSource => ({
  random: () => (numbers.length > 1 ? numbers.shift()! : numbers[0]!),
});

const shared = { list: [1] };

class Victim {
  readonly trace: string[] = [];

  @chaos(0.25)
  async fails(): Promise<unknown> {
    return this.work();
  }

  @chaos({ error: "disk full" })
  async failsAlways(): Promise<unknown> {
    return this.work();
  }

  @chaos({
    error(this: Victim, name: string) {
      return Object.assign(new Error(`${name} is down`), { victim: this });
    },
  })
  async failsItsWay(name: string): Promise<unknown> {
    return this.work(name);
  }

  @chaos({ error: async (name: string) => new Error(`${name} is gone`) })
  async failsLater(name: string): Promise<unknown> {
    return this.work(name);
  }

  @chaos({ latency: "100ms" })
  async late(): Promise<unknown> {
    return this.work();
  }

  @chaos({ latency: { min: 100, max: 200 }, latencyRate: 0.5 })
  async sometimesLate(): Promise<unknown> {
    return this.work();
  }

  @chaos({ result: { value: shared } })
  async wrong(): Promise<unknown> {
    return this.work();
  }

  @chaos({ result: (name: string) => `not ${name}`, resultRate: 0.5 })
  async sometimesWrong(name: string): Promise<unknown> {
    return this.work(name);
  }

  @chaos({ error: "broken" })
  async *stream(): AsyncGenerator<number> {
    yield 1;
  }

  private work(name = "data"): string {
    this.trace.push("work");
    return name;
  }
}

let kernel: Kernel;

async function start(
  source: ChaosSource,
  config: KernelConfig = { system: { chaos: true } },
): Promise<Victim> {
  kernel = await createTestKernel({ config, services: [[ChaosSource, source]] });
  const victim = kernel.adopt(new Victim());
  traceEvents(kernel, victim.trace, ["chaos:strike"]);
  return victim;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  await kernel?.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("@chaos", () => {
  it("is off unless the configuration turns it on", async () => {
    for (const config of [{}, { system: { chaos: false } }]) {
      const victim = await start(drawing(0), config);
      expect(await victim.failsAlways()).toBe("data");
      await kernel.stop();
    }
  });

  it("Polly: chaos strikes at its rate", async () => {
    const victim = await start(drawing(0.9, 0.24, 0.9, 0.25, 0.9));
    await expect(victim.fails()).rejects.toMatchObject({ code: "MLMCP_CHAOS", retryable: true });
    expect(await victim.fails()).toBe("data");
    expect(victim.trace).toEqual(["chaos:strike error 0", "work"]);
  });

  it("Polly: chaos never strikes at a rate of 0 and always at a rate of 1", async () => {
    const victim = await start(new ChaosSource());
    class Edge {
      @chaos({ errorRate: 0, latencyRate: 0, latency: 10 })
      async never(): Promise<string> {
        return "data";
      }
      @chaos(1)
      async always(): Promise<string> {
        return "data";
      }
    }
    const edge = kernel.adopt(new Edge());
    for (let i = 0; i < 50; i++) {
      expect(await edge.never()).toBe("data");
      await expect(edge.always()).rejects.toThrow(/because @chaos says so/);
    }
    expect(victim.trace.length).toBe(50);
  });

  it("Polly: chaos throws what it is told to", async () => {
    const victim = await start(drawing(0));
    await expect(victim.failsAlways()).rejects.toThrow("disk full");
    await expect(victim.failsLater("db")).rejects.toThrow("db is gone");
    const error: unknown = await victim.failsItsWay("db").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: "db is down", victim });
    expect([isChaosError(error), isChaosError(new Error("db is down")), isChaosError("db")]).toEqual([
      true,
      false,
      false,
    ]);
    expect(victim.trace).not.toContain("work");
  });

  it("Polly: chaos makes calls late", async () => {
    const victim = await start(drawing(0.5));
    const call = victim.late();
    await vi.advanceTimersByTimeAsync(99);
    expect(victim.trace).toEqual(["chaos:strike latency 100"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await call).toBe("data");
  });

  it("draws how late, between two times", async () => {
    const victim = await start(drawing(0.4, 0.25, 0.9, 0.9, 0.6, 0.9));
    const call = victim.sometimesLate();
    await vi.advanceTimersByTimeAsync(125);
    expect(await call).toBe("data");
    expect(await victim.sometimesLate()).toBe("data");
    expect(victim.trace).toEqual(["chaos:strike latency 125", "work", "work"]);
  });

  it("gives up a wait whose caller has given up", async () => {
    const victim = await start(drawing(0));
    const controller = new AbortController();
    const call = kernel
      .withContext({ signal: controller.signal }, () => victim.late())
      .catch((error: unknown) => error);
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await call).toBe(reason);
    expect(victim.trace).not.toContain("work");
  });

  it("Polly: chaos gives wrong results, each caller a copy of its own, and tells who asks", async () => {
    const victim = await start(drawing(0));
    const first = (await victim.wrong()) as typeof shared;
    first.list.push(2);
    expect(await victim.wrong()).toEqual({ list: [1] });
    expect(await victim.sometimesWrong("right")).toBe("not right");
    expect(await kernel.outcome(() => victim.wrong())).toMatchObject({ degraded: true });
    expect(victim.trace).not.toContain("work");
  });

  it("strikes streams before their first item", async () => {
    const victim = await start(drawing(0));
    await expect(victim.stream().next()).rejects.toThrow("broken");
  });

  it("is met by what stands around the method as if it were the method's own fault", async () => {
    await start(drawing(0.9, 0, 0.9));
    class Guarded {
      calls = 0;
      @retry({ maxRetries: 1, initialDelay: 0 })
      @chaos(0.5)
      async retried(): Promise<number> {
        return ++this.calls;
      }
      @timeout(50)
      @chaos({ latency: 100 })
      async timed(): Promise<void> {}
      @degrade({ fallback: { value: "stand-in" }, breaker: false })
      @chaos(1)
      async degraded(): Promise<string> {
        return "data";
      }
    }
    const guarded = kernel.adopt(new Guarded());
    const retried = guarded.retried();
    await vi.advanceTimersByTimeAsync(0);
    expect(await retried).toBe(1);
    await kernel.stop();
    await start(drawing(0));
    const again = kernel.adopt(guarded);
    const timed = again.timed().catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(50);
    expect(await timed).toMatchObject({ code: "MLMCP_TIMEOUT" });
    expect(await again.degraded()).toBe("stand-in");
  });
});

describe("@chaos in production", () => {
  const production = (chaosSetting: boolean | "force"): KernelConfig => ({
    system: { environment: "production", chaos: chaosSetting },
  });

  it("keeps the kernel from starting", async () => {
    await expect(createTestKernel({ config: production(true) })).rejects.toThrow(/`system\.chaos` is on/);
  });

  it("takes effect where it is forced, with a warning", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const victim = await start(drawing(0), production("force"));
    await expect(victim.failsAlways()).rejects.toThrow("disk full");
    expect(warned.mock.calls.flat().join(" ")).toMatch(/`system\.chaos` is "force"/);
    warned.mockRestore();
  });

  it("is no matter where it is off", async () => {
    const victim = await start(drawing(0), production(false));
    expect(await victim.failsAlways()).toBe("data");
  });
});

describe("@chaos and its options", () => {
  it.each<[string, unknown]>([
    ["a rate above 1", 1.1],
    ["a negative rate", { errorRate: -0.1 }],
    ["a latency without an end", { latency: { min: 1 } }],
    ["an unknown option", { rate: 0.5 }],
    ["a setting of the configuration that does not exist", { enabled: true }],
  ])("refuses %s", (_, options) => {
    expect(() => written(chaos(options as ChaosOptions))).toThrow(ConfigurationError);
  });

  it.each<[string, ChaosOptions, RegExp]>([
    [
      "a latency that ends before it begins",
      { latency: { min: 20, max: 10 } },
      /latency\.min \(20 ms\) is more/,
    ],
    ["a rate of results and no result", { resultRate: 0.5 }, /`result` is missing/],
  ])("refuses %s at the first call", async (_, options, message) => {
    await start(drawing(0));
    const run = kernel.wrap(async () => "data", { name: "wrapped", chaos: options });
    await expect(run()).rejects.toThrow(message);
  });

  it("refuses a result in place of a stream", async () => {
    await start(drawing(0));
    class Streaming {
      @chaos({ result: { value: [1] } })
      async *items(): AsyncGenerator<number> {
        yield 1;
      }
    }
    await expect(kernel.adopt(new Streaming()).items().next()).rejects.toThrow(/result cannot stand in/);
  });

  it("refuses wrong results where no cache could be told of them", async () => {
    const victim = await start(drawing(0), { system: { chaos: true, context: false } });
    await expect(victim.wrong()).rejects.toMatchObject({ code: "MLMCP_CHAOS_CONTEXT" });
    await expect(victim.failsAlways()).rejects.toThrow("disk full");
  });
});
