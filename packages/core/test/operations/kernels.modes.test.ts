import {
  createMethodDecorator,
  definePlugin,
  KernelNotStartedError,
  service,
  type Kernel,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it } from "vitest";
import { asyncOnly, contextual, pluginOf, tracing } from "../support/tracing.js";

const traced = tracing("traced", [], "cache");
const inContext = contextual();
const deferred = asyncOnly();

/** Answers which kernel runs the call. */
const whose = createMethodDecorator({
  name: "whose",
  schema: { type: "object" },
  serves: { sync: true },
  parts: [{ at: "cache", around: (_next, binding) => () => binding.resolve<string>("kernel name") }],
});
const plugin = pluginOf(traced, inContext, deferred, whose);

const named = async (name: string): Promise<Kernel> =>
  createTestKernel({ plugins: [plugin], services: [["kernel name", name]] });

@service()
class Subject {
  @whose()
  kernel(): unknown {
    return undefined;
  }
  @whose()
  static kernel(): unknown {
    return undefined;
  }
  @inContext()
  async viaContext() {
    return [new Subject().kernel(), Subject.kernel()];
  }
  @traced()
  async asynchronous() {}
  @traced()
  synchronous() {}
}

describe("a decorated method without a kernel", () => {
  it("throws an error that names the method and the line that mends it; an async one rejects", async () => {
    const subject = new Subject();
    expect(() => subject.synchronous()).toThrow(KernelNotStartedError);
    expect(() => subject.synchronous()).toThrow(
      /Subject\.synchronous was called, but .*`const kernel = await createKernel\(\);`/,
    );
    const pending = subject.asynchronous();
    await expect(pending).rejects.toMatchObject({ code: "MLMCP_KERNEL_NOT_STARTED" });
  });

  it("rejects where the chain is asynchronous though the method need not be", async () => {
    class Chained {
      @deferred()
      work(): Promise<void> {
        return Promise.resolve();
      }
    }
    await expect(new Chained().work()).rejects.toThrow(KernelNotStartedError);
  });

  it("fails at the first item where it returns an async iterable", async () => {
    class Streaming {
      @inContext()
      async *items() {
        yield 1;
      }
    }
    const items = new Streaming().items();
    await expect(items.next()).rejects.toThrow(KernelNotStartedError);
  });

  it("is refused again after the kernel has stopped", async () => {
    const kernel = await named("stopped");
    const subject = kernel.resolve(Subject);
    subject.synchronous();
    await kernel.stop();
    expect(() => subject.synchronous()).toThrow(/its kernel has stopped/);
    expect(() => new Subject().synchronous()).toThrow(/but no kernel runs any more/);
  });
});

describe("with one kernel", () => {
  it("instances made with `new`, instances from the container and statics all run in it", async () => {
    await using kernel = await named("only");
    expect([new Subject().kernel(), kernel.resolve(Subject).kernel(), Subject.kernel()]).toEqual([
      "only",
      "only",
      "only",
    ]);
  });
});

describe("with several kernels", () => {
  it("an instance belongs to the kernel that constructed or adopted it", async () => {
    await using a = await named("a");
    await using b = await named("b");
    expect(a.resolve(Subject).kernel()).toBe("a");
    expect(b.resolve(Subject).kernel()).toBe("b");
    expect(b.adopt(new Subject()).kernel()).toBe("b");
  });

  it("statics and other instances run in the calling operation's kernel", async () => {
    await using a = await named("a");
    await using b = await named("b");
    expect(await b.resolve(Subject).viaContext()).toEqual(["b", "b"]);
    expect(a.withContext({}, () => Subject.kernel())).toBe("a");
  });

  it("anything else is a clear error", async () => {
    await using _a = await named("a");
    await using _b = await named("b");
    expect(() => Subject.kernel()).toThrow(
      /2 kernels run, and nothing says which of them is meant.*kernel\.adopt\(object\)/,
    );
  });

  it("goes on with the one that is left when another stops", async () => {
    const a = await named("a");
    await using b = await named("b");
    const ofA = a.resolve(Subject);
    await a.stop();
    expect(() => ofA.kernel()).toThrow(/its kernel has stopped/);
    expect(Subject.kernel()).toBe("b");
    expect(b.resolve(Subject).kernel()).toBe("b");
  });
});

describe("a kernel that stops", () => {
  class Work {
    constructor(private readonly until: Promise<void>) {}
    @traced()
    async outer() {
      await this.until;
      return this.inner();
    }
    @traced()
    async inner() {
      return "finished";
    }
  }

  it("lets the calls in flight finish, with the calls that they make, and then refuses", async () => {
    const kernel = await named("draining");
    const { promise, resolve } = gate();
    const work = kernel.adopt(new Work(promise));
    const call = work.outer();
    const stopped = kernel.stop();
    resolve();
    expect(await call).toBe("finished");
    await stopped;
    await expect(work.outer()).rejects.toThrow(/has stopped/);
  });

  it("waits no longer than `system.stopTimeout`", async () => {
    const kernel = await createTestKernel({ plugins: [plugin], config: { system: { stopTimeout: 20 } } });
    const { promise, resolve } = gate();
    const call = kernel.adopt(new Work(promise)).outer();
    await kernel.stop();
    resolve();
    await expect(call).rejects.toThrow(/has stopped/);
  });

  it("stops once, however often it is asked", async () => {
    const stops: string[] = [];
    const kernel = await createTestKernel({
      plugins: [definePlugin({ name: "stop-count", stop: () => void stops.push("stop") })],
    });
    await Promise.all([kernel.stop(), kernel.stop()]);
    await kernel[Symbol.asyncDispose]();
    expect(stops).toEqual(["stop"]);
  });

  it("refuses everything afterwards", async () => {
    const kernel = await named("gone");
    await kernel.stop();
    expect(() => kernel.resolve(Subject)).toThrow(/Cannot resolve a service: the kernel has stopped/);
    await expect(kernel.reload()).rejects.toThrow(/Cannot reload/);
    await expect(kernel.use(plugin)).rejects.toThrow(/Cannot use the plugin/);
    expect(() => kernel.wrap(async () => 1, { name: "late" })).toThrow(/Cannot wrap/);
  });
});

describe("kernel.wrap()", () => {
  it("gives a plain function the advice of decorated methods", async () => {
    await using kernel = await named("wrapping");
    const load = kernel.wrap(async (name: string) => `hello ${name}`, { name: "greet", traced: true } as {
      name: string;
    });
    expect(await load("Ada")).toBe("hello Ada");
    expect(kernel.operations.explain("greet").chain.map(({ advice }) => advice)).toEqual(["traced"]);
    expect(kernel.wrap(function byName() {}).name).toBe("byName");
  });

  it("keeps `this`, and belongs to its kernel alone", async () => {
    await using a = await named("a");
    await using b = await named("b");
    const wrapped = a.wrap(
      function (this: { base: number }, value: number) {
        return this.base + value;
      },
      { name: "add" },
    );
    expect(wrapped.call({ base: 40 }, 2)).toBe(42);
    expect(a.operations.get("add")).toBeDefined();
    expect(b.operations.get("add")).toBeUndefined();
  });

  it("refuses unknown advice, wrong options, a missing name and a name used twice", async () => {
    await using kernel = await named("strict");
    const wrap = (options: object) => kernel.wrap(async () => 1, options);
    expect(() => wrap({ name: "x", tracde: true })).toThrow(/names "tracde".*Did you mean "traced"/);
    expect(() => wrap({ name: "x", retry: { maxRetries: -1 } })).toThrow(/retry\.maxRetries/);
    expect(() =>
      kernel.wrap(
        (
          () => async () =>
            1
        )(),
      ),
    ).toThrow(/without a name/);
    wrap({ name: "twice" });
    expect(() => wrap({ name: "twice" })).toThrow(/Two functions are wrapped under the name "twice"/);
  });
});

function gate() {
  let resolve!: () => void;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
