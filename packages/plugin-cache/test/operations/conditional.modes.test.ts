import { retry, timeout } from "@mlmcp/core";
import { cached, changed, previousResult, unchanged, type Previous } from "@mlmcp/plugin-cache";
import { describe, expect, it } from "vitest";
import { collect, inMemory, stopTime } from "../decorators/in-memory.js";

interface Table {
  readonly rows: number[];
}

/** A source that says by an etag whether it has changed, and a method that asks it. */
async function subject(more: Record<string, object> = {}) {
  class Rates {
    source = { rows: [1], etag: "v1" };
    asked: (string | undefined)[] = [];
    previous: (Previous<Table> | undefined)[] = [];
    @cached({ ttl: "1m", grace: "1h", name: "Rates.conditional" })
    @retry({ maxRetries: 1, initialDelay: 0 })
    @timeout("10s")
    async load(): Promise<Table> {
      const previous = previousResult<Table>();
      this.previous.push(previous);
      await Promise.resolve();
      this.asked.push(previous?.etag);
      if (previous?.etag === this.source.etag) return unchanged();
      return changed({ rows: this.source.rows }, { etag: this.source.etag });
    }
  }
  const kernel = await inMemory(more);
  const rates = kernel.adopt(new Rates());
  return { kernel, rates, pass: stopTime() };
}

describe("a conditional refresh", () => {
  it("is given the stale value with its etag, and keeps it where the source has not changed", async () => {
    const { rates, pass } = await subject();
    expect(await rates.load()).toEqual({ rows: [1] });
    await pass(60_000);
    rates.source.rows = [9];
    expect(await rates.load()).toEqual({ rows: [1] });
    expect(rates.asked).toEqual([undefined, "v1"]);
    expect(rates.previous[1]).toMatchObject({ value: { rows: [1] }, age: 60_000, etag: "v1", stale: true });
    await pass(59_999);
    expect(await rates.load()).toEqual({ rows: [1] });
    expect(rates.asked.length).toBe(2);
    await pass(1);
    rates.source.etag = "v2";
    expect(await rates.load()).toEqual({ rows: [9] });
    await pass(60_000);
    await rates.load();
    expect(rates.asked).toEqual([undefined, "v1", "v1", "v2"]);
  });

  it("hands out copies: no caller can change what is kept", async () => {
    const { rates, pass } = await subject();
    await rates.load();
    await pass(60_000);
    const value = await rates.load();
    value.rows.push(2);
    rates.previous[1]!.value.rows.push(3);
    expect(await rates.load()).toEqual({ rows: [1] });
  });

  it("happens ahead of time with refreshAfter", async () => {
    class Feed {
      seen: (boolean | undefined)[] = [];
      @cached({ ttl: "1m", refreshAfter: "50%" })
      async load(): Promise<number> {
        const previous = previousResult<number>();
        this.seen.push(previous?.stale);
        return previous ? unchanged() : 1;
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const refreshed = collect("cache:refresh");
    const feed = kernel.adopt(new Feed());
    await feed.load();
    await pass(30_000);
    expect(await feed.load()).toBe(1);
    await pass(59_999);
    expect(await feed.load()).toBe(1);
    await pass(0);
    expect(feed.seen).toEqual([undefined, false, false]);
    expect(refreshed).toMatchObject([{ ok: true }, { ok: true }]);
  });

  it("that an earlier attempt confirmed counts only where the last one returns it", async () => {
    class Flaky {
      ran = 0;
      @cached({ ttl: "1m", grace: "1h" })
      @retry({ maxRetries: 1, initialDelay: 0 })
      async load(): Promise<string> {
        if (++this.ran === 1) return "old";
        if (this.ran === 2) {
          unchanged();
          throw new Error("lost the connection");
        }
        return "new";
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const flaky = kernel.adopt(new Flaky());
    await flaky.load();
    await pass(60_000);
    const answer = flaky.load();
    await pass(10);
    expect(await answer).toBe("new");
    expect(await flaky.load()).toBe("new");
  });

  it("has nothing to go by in a helper operation, a fresh call, or where caching is off", async () => {
    class Plain {
      @retry(1)
      async outside(): Promise<unknown> {
        return previousResult();
      }
    }
    const { kernel, rates } = await subject({ performance: { enableCaching: false } });
    await rates.load();
    await rates.load();
    expect(rates.previous).toEqual([undefined, undefined]);
    expect(await kernel.adopt(new Plain()).outside()).toBeUndefined();
    expect(previousResult()).toBeUndefined();
  });

  it("unchanged() without a previous result is an error that says so", async () => {
    class Wrong {
      @cached({ ttl: "1m", grace: "1h" })
      async load(): Promise<number> {
        return unchanged();
      }
    }
    const kernel = await inMemory();
    await expect(kernel.adopt(new Wrong()).load()).rejects.toMatchObject({
      code: "MLMCP_CACHE_UNCHANGED",
      message:
        "unchanged() was called where there is no previous result. Call it only where previousResult() gave one.",
    });
  });

  it("needs the context of calls, and says so where that is turned off", async () => {
    class Rates {
      @cached({ ttl: "1m", grace: "1h", name: "Rates.contextless" })
      async load(): Promise<unknown> {
        return previousResult();
      }
    }
    const kernel = await inMemory({ system: { context: false } });
    const rates = kernel.adopt(new Rates());
    await expect(rates.load()).rejects.toMatchObject({
      code: "MLMCP_CONTEXT_OFF",
      message:
        "previousResult() finds the call that it is made in by its context, and `system.context` is false. Remove that setting.",
    });
    await kernel.stop();
    expect(previousResult()).toBeUndefined();
  });
});
