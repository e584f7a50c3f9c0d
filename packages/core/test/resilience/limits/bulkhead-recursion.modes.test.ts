import { bulkhead, BulkheadFullError, Bulkheads, timeout, type Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

interface Tree {
  readonly name: string;
  readonly children?: readonly Tree[];
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

class Walker {
  readonly trace: string[] = [];

  @bulkhead({ maxConcurrent: 1, queue: 10 })
  async alone(tree: Tree): Promise<string> {
    this.trace.push(tree.name);
    const inside = await Promise.all((tree.children ?? []).map((child) => this.alone(child)));
    return [tree.name, ...inside].join("");
  }

  @bulkhead({ maxConcurrent: 3, queue: 10 })
  @timeout("1h")
  async walk(tree: Tree): Promise<string> {
    this.trace.push(tree.name);
    await pause(1);
    const inside = await Promise.all((tree.children ?? []).map((child) => this.walk(child)));
    return [tree.name, ...inside].join("");
  }

  /** Makes calls and does not wait for them. */
  @bulkhead({ maxConcurrent: 1, queue: 10 })
  async crawl({ name, children = [] }: Tree, ms = 0): Promise<void> {
    for (const child of children) void this.crawl(child, ms);
    await pause(ms);
    this.trace.push(name);
  }

  @bulkhead({ maxConcurrent: 1, queue: 10, sharedAs: "pair" })
  async ping(): Promise<string> {
    return `ping ${await this.pong()}`;
  }

  @bulkhead({ maxConcurrent: 1, queue: 10, sharedAs: "pair" })
  async pong(): Promise<string> {
    return "pong";
  }
}

let kernel: Kernel;
let walker: Walker;

beforeEach(async () => {
  vi.useFakeTimers();
  kernel = await createTestKernel();
  walker = kernel.adopt(new Walker());
});
afterEach(async () => {
  await vi.runAllTimersAsync();
  expect(kernel.resolve(Bulkheads).list()).toMatchObject(
    Array.from(kernel.resolve(Bulkheads).list(), () => ({ running: 0, waiting: 0 })),
  );
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const errorOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error as Error,
  );
const recursion = { code: "MLMCP_BULKHEAD_FULL", retryable: false, context: { reason: "recursion" } };
const leaf = (name: string): Tree => ({ name });

describe("a call that waits for a place inside the call that holds it", () => {
  it("is refused after a second, and says what to do", async () => {
    const error = errorOf(walker.alone({ name: "a", children: [leaf("b"), leaf("c")] }));
    await vi.advanceTimersByTimeAsync(999);
    expect(kernel.resolve(Bulkheads).list()).toMatchObject([{ running: 1, waiting: 2 }]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await error).toBeInstanceOf(BulkheadFullError);
    expect(await error).toMatchObject(recursion);
    expect(((await error) as BulkheadFullError).message).toBe(
      "Walker.alone was not called: all 1 calls that its bulkhead lets run (maxConcurrent 1) seem to wait for calls like this one, which they have made themselves and which wait for a place.",
    );
    expect(walker.trace).toEqual(["a"]);
    expect(await walker.alone(leaf("d"))).toBe("d");
  });

  it("is refused where every other place is held so, however deep, and leaves strangers in the queue", async () => {
    const chain: Tree = { name: "a", children: [{ name: "b", children: [leaf("c")] }] };
    const pair: Tree = { name: "x", children: [{ name: "y", children: [leaf("z")] }] };
    // a, x and b hold the places; b's and x's calls wait.
    const [one, two] = [errorOf(walker.walk(chain)), errorOf(walker.walk(pair))];
    await vi.advanceTimersByTimeAsync(10);
    const stranger = walker.walk(leaf("s"));
    await vi.advanceTimersByTimeAsync(989);
    expect(kernel.resolve(Bulkheads).list()).toMatchObject([{ running: 3, waiting: 3 }]);
    await vi.advanceTimersByTimeAsync(20);
    expect([await one, await two]).toMatchObject([recursion, recursion]);
    expect(await stranger).toBe("s");
    expect(walker.trace).toEqual(["a", "x", "b", "s"]);
  });

  it("leaves no timer where it has given up waiting before", async () => {
    const controller = new AbortController();
    const error = errorOf(
      kernel.withContext({ signal: controller.signal }, () =>
        walker.alone({ name: "a", children: [leaf("b"), leaf("c")] }),
      ),
    );
    await vi.advanceTimersByTimeAsync(500);
    controller.abort(new Error("enough"));
    expect(await error).toMatchObject({ message: "enough" });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is refused where two methods share the bulkhead", async () => {
    const error = errorOf(walker.ping());
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await error).toMatchObject(recursion);
  });
});

describe("a call that waits is not taken for one that waits for itself", () => {
  it("where a place is held by another that will end", async () => {
    const tree: Tree = { name: "a", children: [leaf("b"), leaf("c"), leaf("d"), leaf("e")] };
    const walked = walker.walk(tree);
    await vi.advanceTimersByTimeAsync(10);
    expect(await walked).toBe("abcde");
  });

  it("where the call around it does not wait for it, and ends within the second", async () => {
    void walker.crawl({ name: "a", children: [{ name: "b", children: [leaf("c")] }, leaf("d")] }, 900);
    await vi.advanceTimersByTimeAsync(4 * 900);
    expect(walker.trace).toEqual(["a", "b", "d", "c"]);
  });

  it("where something else than the bulkhead is slow", async () => {
    void walker.crawl(leaf("a"), 5_000);
    void walker.crawl(leaf("b"), 5_000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(walker.trace).toEqual(["a", "b"]);
  });
});
