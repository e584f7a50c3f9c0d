import { currentOperation, degrade, OperationTimeoutError, timeout } from "@mlmcp/core";
import { cached } from "@mlmcp/plugin-cache";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { collect, gate, inMemory, stopTime } from "./in-memory.js";

/** Writes a decorator on a method: there its options are checked. */
function written(decorator: any): unknown {
  class Written {
    @decorator
    async method(): Promise<void> {}
  }
  return Written;
}

/** What waits for a source that never answers. */
function untilGivenUp(): Promise<never> {
  const { signal } = currentOperation()!;
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
}

describe("grace", () => {
  it("gives a stale result where the method fails, says so, and ends with its time", async () => {
    class Rates {
      failing = false;
      ran = 0;
      @cached({ ttl: "1m", grace: "1h" })
      async load(): Promise<{ rate: number }> {
        this.ran++;
        if (this.failing) throw new Error("down");
        return { rate: this.ran };
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const rates = kernel.adopt(new Rates());
    const stale = collect("cache:stale");
    await rates.load();
    rates.failing = true;
    await pass(60_000);
    const outcome = await kernel.outcome(() => rates.load());
    expect(outcome).toMatchObject({ value: { rate: 1 }, stale: true, cached: true, degraded: false });
    expect(stale).toMatchObject([{ reason: "error", operation: "Rates.load" }]);
    outcome.value.rate = 9;
    expect(await rates.load()).toEqual({ rate: 1 });
    await pass(3_600_000);
    await expect(rates.load()).rejects.toThrow("down");
    expect(rates.ran).toBe(4);
  });

  it("is nothing by default", async () => {
    class Bare {
      failing = false;
      @cached("1m")
      async load(): Promise<number> {
        if (this.failing) throw new Error("down");
        return 1;
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const bare = kernel.adopt(new Bare());
    await bare.load();
    bare.failing = true;
    await pass(60_000);
    await expect(bare.load()).rejects.toThrow("down");
  });

  it("comes before a fallback, also when the deadline strikes", async () => {
    class Both {
      mode: "good" | "failing" | "hanging" = "good";
      @degrade({ fallback: { value: "stand-in" }, breaker: false, deadline: "500ms" })
      @cached({ ttl: "1m", grace: "1h" })
      async load(_id: number): Promise<string> {
        if (this.mode === "failing") throw new Error("down");
        if (this.mode === "hanging") await untilGivenUp();
        return "good";
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const both = kernel.adopt(new Both());
    await both.load(1);
    await pass(60_000);
    both.mode = "failing";
    expect(await both.load(1)).toBe("good");
    expect(await both.load(2)).toBe("stand-in");
    both.mode = "hanging";
    const late = kernel.outcome(() => both.load(1));
    await pass(500);
    expect(await late).toMatchObject({ value: "good", stale: true, degraded: false });
    const unknown = both.load(3);
    await pass(500);
    expect(await unknown).toBe("stand-in");
  });

  it("sees the deadline of an operation around it", async () => {
    class Inner {
      hanging = false;
      @cached({ ttl: "1m", grace: "1h" })
      async load(): Promise<string> {
        if (this.hanging) await untilGivenUp();
        return "stale";
      }
    }
    class Outer {
      constructor(readonly inner: Inner) {}
      @timeout({ deadline: "100ms" })
      load(): Promise<string> {
        return this.inner.load();
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const inner = kernel.adopt(new Inner());
    const outer = kernel.adopt(new Outer(inner));
    await outer.load();
    inner.hanging = true;
    await pass(60_000);
    const answer = outer.load();
    await pass(100);
    expect(await answer).toBe("stale");
  });

  it('serves `fallback: "stale"` where the failure is met outside the cache', async () => {
    class Guarded {
      ran = 0;
      @degrade({ fallback: "stale", breaker: false })
      @cached({ ttl: "1m", grace: "1h", scope: "instance" })
      async load(id: number): Promise<string> {
        if (++this.ran > 1) throw new Error("down");
        return `first ${id}`;
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const guarded = kernel.adopt(new Guarded());
    await guarded.load(1);
    await pass(60_000);
    expect(await guarded.load(1)).toBe("first 1");
    await expect(guarded.load(2)).rejects.toThrow("down");
  });
});

describe("softTimeout and hardTimeout", () => {
  class Slow {
    doors = [gate<string>(), gate<string>(), gate<string>()];
    begun = 0;
    signals: (AbortSignal | undefined)[] = [];
    @cached({ ttl: "1m", grace: "1h", softTimeout: "50ms", hardTimeout: "200ms", name: "Slow.load" })
    load(): Promise<string> {
      this.signals.push(currentOperation()?.signal);
      return this.doors[this.begun++]!.promise;
    }
  }

  it("give what is stale while the method goes on, and its result to the next", async () => {
    const kernel = await inMemory();
    const pass = stopTime();
    const slow = kernel.adopt(new Slow());
    slow.doors[0]!.open("old");
    await slow.load();
    await pass(60_000);
    const trace: string[] = [];
    const answer = slow.load().then((value) => trace.push(value));
    await pass(49);
    expect(trace).toEqual([]);
    await pass(1);
    await answer;
    expect(trace).toEqual(["old"]);
    expect(slow.signals[1]?.aborted).toBe(false);
    slow.doors[1]!.open("new");
    await pass(0);
    expect(await slow.load()).toBe("new");
    expect(slow.begun).toBe(2);
  });

  it("end in an error where nothing is stale, and the method goes on", async () => {
    const kernel = await inMemory();
    const pass = stopTime();
    const slow = kernel.adopt(new Slow());
    const answer = slow.load().catch((error: unknown) => error);
    await pass(200);
    expect(await answer).toBeInstanceOf(OperationTimeoutError);
    slow.doors[0]!.open("late");
    await pass(0);
    expect(await slow.load()).toBe("late");
  });
});

describe("refreshAfter", () => {
  it.each([
    ["a time", "15s"],
    ["a share as a text", "50%"],
    ["a share as a number", 0.5],
  ] as const)("as %s runs the method in the background, once", async (_, refreshAfter) => {
    class Feed {
      ran = 0;
      @cached({ ttl: "30s", refreshAfter, name: "Feed.load" })
      async load(): Promise<number> {
        return ++this.ran;
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const feed = kernel.adopt(new Feed());
    const refreshed = collect("cache:refresh");
    await feed.load();
    await pass(14_999);
    await feed.load();
    expect(feed.ran).toBe(1);
    await pass(1);
    expect(await Promise.all([feed.load(), feed.load()])).toEqual([1, 1]);
    await pass(0);
    expect(await feed.load()).toBe(2);
    expect(refreshed).toMatchObject([{ ok: true, operation: "Feed.load" }]);
  });

  it("leaves no attempt of its own in the outcome of the call that it began with", async () => {
    class Feed {
      @cached({ ttl: "30s", refreshAfter: "10s", name: "Feed.quiet" })
      async load(): Promise<number> {
        return 1;
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const feed = kernel.adopt(new Feed());
    await feed.load();
    await pass(10_000);
    expect(await kernel.outcome(() => feed.load())).toMatchObject({
      cached: true,
      stale: false,
      attempts: 0,
    });
  });
});

describe("ttl and ttlJitter", () => {
  it("by result keeps each for its own time, and 0 not at all", async () => {
    class Tokens {
      ran: string[] = [];
      @cached({
        ttl: (token: { expiresIn: number }, [user]: [string]) => (user === "root" ? 0 : token.expiresIn),
      })
      async issue(user: string): Promise<{ expiresIn: number }> {
        this.ran.push(user);
        return { expiresIn: user === "short" ? 1_000 : 5_000 };
      }
    }
    const kernel = await inMemory({ cache: { ttl: 0 } });
    const pass = stopTime();
    const tokens = kernel.adopt(new Tokens());
    const all = async (): Promise<string[]> => {
      tokens.ran = [];
      for (const user of ["short", "long", "root"]) await tokens.issue(user);
      return tokens.ran;
    };
    expect(await all()).toEqual(["short", "long", "root"]);
    expect(await all()).toEqual(["root"]);
    await pass(1_000);
    expect(await all()).toEqual(["short", "root"]);
  });

  it("by result must be a duration, otherwise the result is not kept and an event says why", async () => {
    class Wrong {
      ran = 0;
      @cached({ ttl: () => "soon" as unknown as "1s" })
      async load(): Promise<number> {
        return ++this.ran;
      }
    }
    const kernel = await inMemory();
    const errors = collect("cache:error");
    const wrong = kernel.adopt(new Wrong());
    expect([await wrong.load(), await wrong.load()]).toEqual([1, 2]);
    expect(errors[0]).toMatchObject({
      action: "when",
      error: {
        code: "MLMCP_CACHE_TTL",
        message:
          'The `ttl` of @cached on Wrong.load gave "soon". Return milliseconds or a text such as "5m".',
      },
    });
  });

  it.each([
    ["a share", "50%", 5_000],
    ["a share as a number", 0.5, 5_000],
    ["a time", "2s", 8_000],
  ] as const)("jitter as %s shortens the ttl by that much at most", async (_, ttlJitter, earliest) => {
    class Spread {
      ran = 0;
      @cached({ ttl: "10s", ttlJitter, name: "Spread.load" })
      async load(): Promise<number> {
        return ++this.ran;
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const spread = kernel.adopt(new Spread());
    const random = vi.spyOn(Math, "random");
    onTestFinished(() => random.mockRestore());
    random.mockReturnValue(0.999_999);
    await spread.load();
    await pass(earliest - 1);
    expect(await spread.load()).toBe(1);
    random.mockReturnValue(0);
    await pass(2);
    expect(await spread.load()).toBe(2);
    await pass(9_999);
    expect(await spread.load()).toBe(2);
    await pass(1);
    expect(await spread.load()).toBe(3);
  });
});

describe("options that do not fit each other", () => {
  it("are refused at the first call, with what to do", async () => {
    class Wrong {
      @cached({ softTimeout: "1s" })
      async soft(): Promise<void> {}
      @cached({ grace: "1h", softTimeout: "5s", hardTimeout: "2s" })
      async order(): Promise<void> {}
    }
    const kernel = await inMemory();
    const wrong = kernel.adopt(new Wrong());
    await expect(wrong.soft()).rejects.toThrow(
      'softTimeout gives stale results in time, and none are kept. Say for how long: `grace: "1h"`.',
    );
    await expect(wrong.order()).rejects.toThrow(
      "softTimeout (5000 ms) must be shorter than hardTimeout (2000 ms).",
    );
  });

  it.each([
    { refreshAfter: "120%" },
    { ttlJitter: "much" },
    { grace: -1 },
    { softTimeout: "40d" },
    { scope: "object" },
    { tags: [""] },
    { cacheErrors: "ENOENT" },
  ])("%j is refused where it is written", (options) => {
    expect(() => written(cached(options as object))).toThrow(/^@cached on .*method is given wrong options/);
  });
});

it("every option that is data can be set in the configuration", async () => {
  class Tuned {
    failing = false;
    ran = 0;
    @cached()
    async load(): Promise<number> {
      if (this.failing) throw new Error("down");
      return ++this.ran;
    }
  }
  const tuning = {
    ttl: "1m",
    ttlJitter: 0,
    grace: "1h",
    refreshAfter: "90%",
    softTimeout: "1s",
    hardTimeout: "2s",
  };
  const others = {
    scope: "instance",
    tags: ["a"],
    cacheErrors: { when: [404], ttl: "1s" },
    warm: [[]],
    isolate: false,
  };
  const kernel = await inMemory({ operations: { "Tuned.load": { cached: { ...tuning, ...others } } } });
  const pass = stopTime();
  const tuned = kernel.adopt(new Tuned());
  await tuned.load();
  tuned.failing = true;
  await pass(60_000);
  expect(await tuned.load()).toBe(1);
  const [step] = kernel.operations.explain("Tuned.load").chain;
  const names = step!.options.map(({ name }) => name);
  expect(names.sort()).toEqual(Object.keys({ ...tuning, ...others }).sort());
});
