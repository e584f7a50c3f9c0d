import { AsyncLocalStorage } from "node:async_hooks";
import { attemptsOf, createMethodDecorator, currentOperation, retry } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { contextual, observing, pluginOf } from "../support/tracing.js";

const inContext = contextual();
const observed = observing("observed", []);
const plugin = pluginOf(inContext, observed);

class Inner {
  @inContext()
  async look() {
    return currentOperation();
  }
}

class Outer {
  constructor(readonly inner = new Inner()) {}
  @inContext()
  async look() {
    return { own: currentOperation(), inner: await this.inner.look(), after: currentOperation()?.id };
  }
  @observed()
  async plain() {
    return currentOperation();
  }
  @inContext()
  async wait() {
    const { signal } = currentOperation()!;
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  }
}

afterEach(() => void vi.useRealTimers());

describe("currentOperation()", () => {
  it("is the call of the innermost operation that has a context", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const { own, inner, after } = await kernel.adopt(new Outer()).look();
    expect([own?.id, own?.attempt, inner?.id, after]).toEqual(["Outer.look", 1, "Inner.look", "Outer.look"]);
    expect(currentOperation()).toBeUndefined();
  });

  it("shares one correlation id inside a call, also where the inner one is read first", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const { own, inner } = await kernel.adopt(new Outer()).look();
    expect(inner?.correlationId).toBe(own?.correlationId);
    const another = await kernel.adopt(new Outer()).look();
    expect(another.own?.correlationId).not.toBe(own?.correlationId);
  });

  it("is not there under advice that needs no context, until `system.context` is true", async () => {
    const kernel = await createTestKernel({ plugins: [plugin] });
    expect(await kernel.adopt(new Outer()).plain()).toBeUndefined();
    await kernel.stop();
    await using everywhere = await createTestKernel({
      plugins: [plugin],
      config: { system: { context: true } },
    });
    expect(await everywhere.adopt(new Outer()).plain()).toMatchObject({ id: "Outer.plain" });
  });

  it("is kept off by `system.context: false`, and the advice works without", async () => {
    await using kernel = await createTestKernel({
      plugins: [plugin],
      config: { system: { context: false } },
    });
    const { own } = await kernel.adopt(new Outer()).look();
    expect(own).toBeUndefined();
    expect(() => kernel.withContext({}, () => 1)).toThrow(/`system.context` is false/);
  });

  it("costs nothing until a chain needs it, and nothing after the last kernel has stopped", async () => {
    const kernel = await createTestKernel({ plugins: [plugin] });
    const run = vi.spyOn(AsyncLocalStorage.prototype, "run");
    const enterWith = vi.spyOn(AsyncLocalStorage.prototype, "enterWith");
    const disable = vi.spyOn(AsyncLocalStorage.prototype, "disable");
    const getStore = vi.spyOn(AsyncLocalStorage.prototype, "getStore");
    const outer = kernel.adopt(new Outer());
    await outer.plain();
    expect([run, enterWith, getStore].map(({ mock }) => mock.calls.length)).toEqual([0, 0, 0]);
    await outer.look();
    const [context] = enterWith.mock.contexts;
    expect(context).toBeInstanceOf(AsyncLocalStorage);
    await kernel.stop();
    expect(disable.mock.contexts).toContain(context);
    vi.restoreAllMocks();
  });

  it("tells the attempt, from 1", async () => {
    const seen: Array<number | undefined> = [];
    class Flaky {
      @retry({ maxRetries: 2, initialDelay: 0 })
      async work() {
        seen.push(currentOperation()?.attempt);
        throw new Error("always");
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const error = await kernel
      .adopt(new Flaky())
      .work()
      .catch((reason: unknown) => reason);
    expect(seen).toEqual([1, 2, 3]);
    expect(attemptsOf(error).map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(attemptsOf("not an object")).toEqual([]);
  });
});

const detaching = createMethodDecorator<{ contextual?: boolean }>({
  name: "detaching",
  schema: { type: "object", properties: { contextual: { type: "boolean" } } },
  context: ({ contextual: own }) => own === true,
  parts: [
    {
      at: "cache",
      around: (next, binding) => (self, args) => {
        const scope = binding.fork({ detached: true });
        if (!scope) return next(self, args);
        return (scope.run(next, self, args) as Promise<unknown>).finally(() =>
          binding.note(scope.collected!),
        );
      },
    },
  ],
});
class Shared {
  tries = 0;
  @detaching()
  @retry({ maxRetries: 2, initialDelay: 0 })
  async flaky() {
    if (this.tries++ < 2) throw new Error("not yet");
  }
  @detaching()
  async plain() {
    return currentOperation();
  }
  @detaching({ contextual: true })
  async contextual() {
    return currentOperation();
  }
}

const collected: unknown[] = [];
const collecting = createMethodDecorator({
  name: "collecting",
  schema: {},
  context: true,
  parts: [
    {
      at: "cache",
      around: (next, binding) => async (self, args) => {
        const scope = binding.fork({ collect: true })!;
        const value = await scope.run(next, self, args);
        collected.push({ ...scope.collected });
        return value;
      },
    },
  ],
});

class Collecting {
  tries = 0;
  readonly invocations: unknown[] = [];
  @collecting()
  @retry({ maxRetries: 2, initialDelay: 0 })
  async flaky(): Promise<string | undefined> {
    const call = currentOperation();
    this.invocations.push(call?.invocation);
    if (this.tries++ % 3 < 2) throw new Error("not yet");
    return call?.correlationId;
  }
}

describe("a call that collects", () => {
  it("hears what is noted inside it, and so does who made it", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin, pluginOf(collecting)] });
    const subject = kernel.adopt(new Collecting());
    const outcome = await kernel.outcome(() =>
      kernel.withContext({ correlationId: "caller" }, () => subject.flaky()),
    );
    expect(outcome.value).toBe("caller");
    await kernel.outcome(() => subject.flaky()).then(({ attempts }) => expect(attempts).toBe(3));
    expect(collected).toMatchObject([{ attempts: 3 }, { attempts: 3 }]);
  });

  it("is one invocation for all its attempts, and another for the next call", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin, pluginOf(collecting)] });
    const subject = kernel.adopt(new Collecting());
    await subject.flaky();
    await subject.flaky();
    const [first, ...others] = subject.invocations;
    expect(first).toBeTypeOf("object");
    expect(others.map((invocation) => invocation === first)).toEqual([true, true, false, false, false]);
  });
});

describe("work that is detached from its caller", () => {
  it("sees nothing of it, whether its own chain keeps a context or not", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin, pluginOf(detaching)] });
    const shared = kernel.adopt(new Shared());
    const caller = { correlationId: "caller", deadline: Date.now() + 60_000 };
    for (const work of [() => shared.plain(), () => shared.contextual()]) {
      const call = await kernel.withContext(caller, work);
      expect(call?.deadline).toBeUndefined();
      expect(call?.correlationId).not.toBe("caller");
      expect(call?.id).toMatch(/^Shared\./);
    }
  });
});

it("what detached work notes can be handed on to a caller", async () => {
  await using kernel = await createTestKernel({ plugins: [plugin, pluginOf(detaching)] });
  expect(await kernel.outcome(() => kernel.adopt(new Shared()).flaky())).toMatchObject({
    attempts: 3,
    cached: false,
  });
});

describe("kernel.withContext()", () => {
  it("gives the calls inside its correlation id, signal and deadline", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const outer = kernel.adopt(new Outer());
    const deadline = Date.now() + 60_000;
    const { own, inner } = await kernel.withContext({ correlationId: "request-7", deadline }, () =>
      outer.look(),
    );
    expect(own).toMatchObject({ correlationId: "request-7", deadline });
    expect(inner).toMatchObject({ correlationId: "request-7", deadline });
  });

  it("never gives an inner call more time than the outer one has", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const outer = kernel.adopt(new Outer());
    const soon = Date.now() + 1_000;
    const call = await kernel.withContext({ deadline: soon }, () =>
      kernel.withContext({ deadline: soon + 5_000 }, () => outer.look()),
    );
    expect(call.own?.deadline).toBe(soon);
  });

  it("aborts the method's signal with the caller's", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const controller = new AbortController();
    const waiting = kernel.withContext({ signal: controller.signal }, () => kernel.adopt(new Outer()).wait());
    const reason = new Error("the caller left");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    const late = kernel.withContext({ signal: controller.signal }, () => kernel.adopt(new Outer()).look());
    expect((await late).own).toMatchObject({ aborted: true, reason });
    expect((await late).inner?.signal.aborted).toBe(true);
  });

  it("aborts the method's signal when the deadline passes", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    vi.useFakeTimers();
    const waiting = kernel.withContext({ deadline: Date.now() + 100 }, () =>
      kernel.adopt(new Outer()).wait(),
    );
    const outcome = expect(waiting).rejects.toMatchObject({ code: "MLMCP_TIMEOUT" });
    await vi.advanceTimersByTimeAsync(100);
    await outcome;
  });

  it("leaves no listener and no timer behind", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    vi.useFakeTimers();
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    await kernel.withContext({ signal: controller.signal, deadline: Date.now() + 1000 }, () =>
      kernel.adopt(new Outer()).look(),
    );
    expect(() => kernel.withContext({ deadline: Date.now() + 1000 }, () => raise())).toThrow("sync failure");
    expect(remove).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("forgets each call that has ended, however long the caller's context lasts", async () => {
    class Listening {
      @inContext()
      async listen() {
        return currentOperation()!.signal;
      }
      @inContext()
      async answer() {
        return currentOperation()!;
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const listening = kernel.adopt(new Listening());
    const controller = new AbortController();
    const [during, after] = await kernel.withContext({ signal: controller.signal }, async () => {
      const signals = [await listening.listen(), (await listening.answer()).signal];
      controller.abort();
      return signals;
    });
    expect([during!.aborted, after!.aborted]).toEqual([false, false]);
  });
});

describe("work that goes on after its call", () => {
  class Loop {
    rounds = 0;
    seen: unknown[] = [];
    finish!: () => void;
    readonly finished = new Promise<void>((resolve) => (this.finish = resolve));
    @inContext()
    async poll(until: number): Promise<void> {
      const { aborted, correlationId, deadline, signal } = currentOperation()!;
      if (++this.rounds < until) setImmediate(() => void this.poll(until));
      else {
        this.seen = [aborted, correlationId, deadline, signal.aborted];
        this.finish();
      }
    }
  }

  it("keeps the correlation id, and neither the deadline nor the calls before it", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const loop = kernel.adopt(new Loop());
    const caller = { correlationId: "started it", deadline: Date.now() + 60_000 };
    await kernel.withContext(caller, () => loop.poll(20_000));
    await loop.finished;
    expect(loop.seen).toEqual([false, "started it", undefined, false]);
  });
});

describe("the context of a stream", () => {
  class Streams {
    tries = 0;
    @inContext()
    async *ids() {
      yield currentOperation()?.correlationId;
      yield currentOperation()?.correlationId;
    }
    @retry({ maxRetries: 2, initialDelay: 0 })
    async *attempts() {
      if (this.tries++ < 2) throw new Error("not yet");
      yield currentOperation()?.attempt;
      yield currentOperation()?.attempt;
    }
  }

  it("is that of the caller who asked for it, wherever it is read", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const streams = kernel.adopt(new Streams());
    const ids: unknown[] = [];
    for await (const id of kernel.withContext({ correlationId: "request" }, () => streams.ids()))
      ids.push(id);
    expect(ids).toEqual(["request", "request"]);
  });

  it("stays that of the attempt that opened it", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const attempts: unknown[] = [];
    for await (const attempt of kernel.adopt(new Streams()).attempts()) attempts.push(attempt);
    expect(attempts).toEqual([3, 3]);
  });
});

describe("kernel.outcome()", () => {
  const noting = createMethodDecorator<{ cached?: boolean; degraded?: boolean; attempts?: number }>({
    name: "noting",
    schema: {
      type: "object",
      properties: {
        cached: { type: "boolean" },
        degraded: { type: "boolean" },
        attempts: { type: "integer" },
      },
    },
    parts: [
      {
        at: "cache",
        around: (next, binding) => (self, args) => {
          binding.note(binding.options);
          return next(self, args);
        },
      },
    ],
  });
  class Subject {
    tries = 0;
    @noting({ cached: true })
    async cached() {
      return "value";
    }
    @noting({ degraded: true, attempts: 3 })
    async degraded() {
      return "value";
    }
    @observed()
    async outer() {
      return this.cached();
    }
    @retry({ maxRetries: 2, initialDelay: 0 })
    async flaky() {
      if (this.tries++ === 0) throw new Error("once");
      return "value";
    }
  }

  it("says how the result came about", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin, pluginOf(noting)] });
    const subject = kernel.adopt(new Subject());
    const nothing = { degraded: false, stale: false, cached: false };
    expect(await kernel.outcome(() => subject.cached())).toEqual({
      value: "value",
      ...nothing,
      cached: true,
      attempts: 0,
    });
    expect(await kernel.outcome(() => subject.degraded())).toEqual({
      value: "value",
      ...nothing,
      degraded: true,
      attempts: 3,
    });
    expect(await kernel.outcome(() => subject.flaky())).toEqual({ value: "value", ...nothing, attempts: 2 });
    expect(await kernel.outcome(() => "plain")).toEqual({ value: "plain", ...nothing, attempts: 1 });
  });

  it("speaks of the calls made directly, not of those inside them", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin, pluginOf(noting)] });
    const subject = kernel.adopt(new Subject());
    await subject.outer();
    expect(await kernel.outcome(() => subject.outer())).toMatchObject({ cached: false, attempts: 1 });
  });

  it("hands on what the function throws", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    await expect(kernel.outcome(() => raise())).rejects.toThrow("sync failure");
  });
});

function raise(): never {
  throw new Error("sync failure");
}
