import {
  CircuitBreakers,
  degrade,
  onEvent,
  OperationTimeoutError,
  timeout,
  type DegradeOptions,
  type Kernel,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

const down = new Error("down");

let kernel: Kernel;

beforeEach(async () => {
  vi.useFakeTimers();
  kernel = await createTestKernel();
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const errorOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );
const read = async (items: AsyncIterable<unknown>) => {
  for await (const _ of items);
};
const breaker = () => kernel.resolve(CircuitBreakers).list()[0]!;

describe("a time limit further out than the breaker", () => {
  class Slow {
    calls = 0;

    @degrade({ timeout: "5s", breaker: { failureThreshold: 1 } })
    async load(): Promise<void> {
      this.calls += 1;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }

    @timeout(100)
    async outer(): Promise<void> {
      // As if a millisecond had passed: the time of the inner call is up first.
      vi.setSystemTime(Date.now() + 1);
      await this.load();
    }
  }

  it("says nothing of the method that it cuts short", async () => {
    const slow = kernel.adopt(new Slow());
    const error = errorOf(slow.outer());
    await vi.advanceTimersByTimeAsync(99);
    expect(await error).toMatchObject({ context: { operation: "Slow.load", reason: "enclosing" } });
    expect(breaker()).toMatchObject({ state: "closed", failures: 0 });
    await vi.runAllTimersAsync();
  });

  it("says nothing of a method that it leaves no time to begin", async () => {
    const slow = kernel.adopt(new Slow());
    const deadline = Date.now() + 10;
    const late = async () => {
      vi.setSystemTime(deadline + 1);
      return slow.load();
    };
    const error = await errorOf(kernel.withContext({ deadline }, late));
    expect(error).toMatchObject({ context: { reason: "enclosing", timeoutMs: 0 } });
    expect(slow.calls).toBe(0);
    expect(breaker()).toMatchObject({ state: "closed", failures: 0 });
  });

  it("counts where the method itself has spent the time of what it called", async () => {
    class Caller {
      @degrade({ timeout: 100, breaker: { failureThreshold: 1 } })
      async load(): Promise<void> {
        vi.setSystemTime(Date.now() + 1);
        await this.inner();
      }
      @timeout("5s")
      async inner(): Promise<void> {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    }
    const error = errorOf(kernel.adopt(new Caller()).load());
    await vi.advanceTimersByTimeAsync(100);
    expect(await error).toBeInstanceOf(OperationTimeoutError);
    expect(breaker()).toMatchObject({ state: "open", failures: 1 });
    await vi.runOnlyPendingTimersAsync();
  });
});

describe("a `when` that fails", () => {
  const failing: DegradeOptions["when"] = () => {
    throw new Error("the condition's fault");
  };
  const promising = (async () => true) as never;

  function service(options: DegradeOptions) {
    class Service {
      source = async (): Promise<string> => Promise.reject(down);
      @degrade(options as DegradeOptions)
      async load(): Promise<string> {
        return this.source();
      }
    }
    return kernel.adopt(new Service());
  }
  function failures(): string[] {
    const told: string[] = [];
    onTestFinished(onEvent("advice:failed", ({ advice, error }) => told.push(`${advice} ${String(error)}`)));
    return told;
  }

  it.each([
    ["throws", failing, "degrade Error: the condition's fault"],
    [
      "gives a promise",
      promising,
      "degrade TypeError: A condition for errors answered with a promise. Make it answer at once.",
    ],
  ])("leaves the caller the method's own error where it %s, and is told", async (_, when, told) => {
    const trace = failures();
    expect(await errorOf(service({ fallback: { value: "kept" }, when, breaker: false }).load())).toBe(down);
    expect(trace).toEqual([told]);
  });

  it("counts for nothing in the breaker, and holds no place of a probe", async () => {
    let judges = true;
    const trace = failures();
    const tenants = service({
      breaker: { failureThreshold: 1, resetAfter: "1m", when: () => judges || failing!(down) },
    });
    expect(await errorOf(tenants.load())).toBe(down);
    await vi.advanceTimersByTimeAsync(60_000);
    judges = false;
    expect(await errorOf(tenants.load())).toBe(down);
    expect(breaker()).toMatchObject({ state: "halfOpen", retryAfterMs: 0 });
    expect(trace).toEqual(["degrade Error: the condition's fault"]);
  });
});

it("a breaker judges a stream by its opening, not by what comes of it later", async () => {
  class Feed {
    broken: "before" | "after" = "after";
    @degrade({ breaker: { failureThreshold: 1 } })
    async *items(): AsyncGenerator<number> {
      if (this.broken === "before") throw down;
      yield 1;
      throw down;
    }
  }
  const feed = kernel.adopt(new Feed());
  expect(await errorOf(read(feed.items()))).toBe(down);
  expect(breaker()).toMatchObject({ state: "closed", failures: 0 });
  feed.broken = "before";
  expect(await errorOf(read(feed.items()))).toBe(down);
  expect(breaker()).toMatchObject({ state: "open", failures: 1 });
});

it("a breaker hands on what it cannot look into, and counts it", async () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const run = kernel.wrap(() => Promise.reject(proxy as Error), { name: "run", degrade: {} });
  expect(
    await run().then(
      () => false,
      (error: unknown) => error === proxy,
    ),
  ).toBe(true);
  expect(breaker()).toMatchObject({ state: "closed", failures: 1 });
});

it("a key that answers with a promise is refused, and its rejection reaches nobody", async () => {
  const key = (async () => {
    throw down;
  }) as never;
  const keyed = kernel.wrap(async () => 1, { name: "keyed", degrade: { breaker: { key } } });
  const limited = kernel.wrap(async () => 1, { name: "limited", rateLimit: { key } });
  for (const run of [keyed, limited]) await expect(run()).rejects.toThrow("gave a promise instead of a text");
});
