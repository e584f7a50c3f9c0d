import { createMethodDecorator, currentOperation, type After, type Binding, type Invoke } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it } from "vitest";
import { observing, pluginOf, type Trace } from "../support/tracing.js";

/** A decorator whose after-advice notes what it sees, and does what its handlers say. */
function noting(
  name: string,
  trace: Trace,
  handlers: After = {},
  { at = "retry" }: { at?: "fallback" | "retry" | "breaker" } = {},
) {
  return createMethodDecorator({
    name,
    schema: { type: "object" },
    context: true,
    parts: [
      {
        at,
        after: () => ({
          begin(self, args) {
            trace.push(`${name} begins`);
            return (handlers.begin?.(self, args) as unknown) ?? name;
          },
          returned(value, begun, self, args) {
            trace.push(`${name} (${begun}) sees ${String(value)}`);
            return handlers.returned ? handlers.returned(value, begun, self, args) : value;
          },
          threw(error, begun, self, args) {
            trace.push(`${name} (${begun}) sees the error ${String((error as Error).message)}`);
            if (handlers.threw) return handlers.threw(error, begun, self, args);
            throw error;
          },
        }),
      },
    ],
  });
}

const down = new Error("down");
const other = new Error("other");

type Handlers = Record<"outer" | "inner", After>;

/** What comes of a method under two after-advices and an observer. */
async function outcomeOf({ outer = {}, inner = {} }: Partial<Handlers>, method: () => unknown) {
  const trace: Trace = [];
  const decorators = {
    seen: observing("seen", trace),
    outer: noting("outer", trace, outer, { at: "fallback" }),
    inner: noting("inner", trace, inner, { at: "breaker" }),
  };
  await using kernel = await createTestKernel({
    plugins: [pluginOf(decorators.seen, decorators.outer, decorators.inner)],
  });
  class Subject {
    @decorators.inner()
    @decorators.seen()
    @decorators.outer()
    async work(): Promise<unknown> {
      return method();
    }
  }
  const outcome = await kernel
    .adopt(new Subject())
    .work()
    .then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
  return { ...outcome, trace };
}

const fail = () => {
  throw down;
};

async function* one(item: number): AsyncGenerator<number> {
  yield item;
}

describe("after-advice", () => {
  it.each<[title: string, handlers: Partial<Handlers>, method: () => unknown, outcome: object, trace: Trace]>(
    [
      [
        "sees a value from the inside outwards, before observers that stand outside it",
        {},
        () => 1,
        { value: 1 },
        [
          "start ",
          "outer begins",
          "inner begins",
          "inner (inner) sees 1",
          "outer (outer) sees 1",
          "end  ok 1",
        ],
      ],
      [
        "sees an error likewise, the same object",
        {},
        fail,
        { error: down },
        [
          ...["start ", "outer begins", "inner begins", "inner (inner) sees the error down"],
          ...["outer (outer) sees the error down", "end  failed down"],
        ],
      ],
      [
        "puts another value in the place of one",
        { inner: { returned: (value) => Number(value) + 1 } },
        () => 1,
        { value: 2 },
        [
          "start ",
          "outer begins",
          "inner begins",
          "inner (inner) sees 1",
          "outer (outer) sees 2",
          "end  ok 2",
        ],
      ],
      [
        "puts a value in the place of an error",
        { inner: { threw: () => "mended" } },
        fail,
        { value: "mended" },
        [
          ...["start ", "outer begins", "inner begins", "inner (inner) sees the error down"],
          ...["outer (outer) sees mended", "end  ok mended"],
        ],
      ],
      [
        "waits for a promise that it gives",
        { inner: { threw: async () => "mended" } },
        fail,
        { value: "mended" },
        [
          ...["start ", "outer begins", "inner begins", "inner (inner) sees the error down"],
          ...["outer (outer) sees mended", "end  ok mended"],
        ],
      ],
      [
        "hands on what a promise that it gives fails with",
        { inner: { returned: () => Promise.reject(other) } },
        () => 1,
        { error: other },
        [
          ...["start ", "outer begins", "inner begins", "inner (inner) sees 1"],
          ...["outer (outer) sees the error other", "end  failed other"],
        ],
      ],
      [
        "hands on what it throws itself, and outside it that is an error as any",
        {
          inner: {
            returned() {
              throw other;
            },
          },
          outer: { threw: () => "mended" },
        },
        () => 1,
        { value: "mended" },
        [
          ...["start ", "outer begins", "inner begins", "inner (inner) sees 1"],
          ...["outer (outer) sees the error other", "end  ok mended"],
        ],
      ],
      [
        "ends the call where it does not let it begin, seen by what stands outside alone",
        {
          inner: {
            begin() {
              throw other;
            },
          },
        },
        () => expect.unreachable(),
        { error: other },
        ["start ", "outer begins", "inner begins", "outer (outer) sees the error other", "end  failed other"],
      ],
      [
        "gives its handlers what it began with",
        { outer: { begin: () => "a token" } },
        () => 1,
        { value: 1 },
        [
          "start ",
          "outer begins",
          "inner begins",
          "inner (inner) sees 1",
          "outer (a token) sees 1",
          "end  ok 1",
        ],
      ],
    ],
  )("%s", async (_title, handlers, method, outcome, trace) => {
    expect(await outcomeOf(handlers, method)).toEqual({ ...outcome, trace });
  });

  it.each<[string, After, object]>([
    ["hands on a value without handlers", {}, { value: 1 }],
    ["waits for a promise where it stands alone", { returned: async (value) => [value] }, { value: [1] }],
    [
      "hands on an error of a promise where it stands alone",
      { returned: () => Promise.reject(other) },
      { error: other },
    ],
    [
      "hands on what it throws where it stands alone",
      {
        returned() {
          throw other;
        },
      },
      { error: other },
    ],
    [
      "is not asked about a call that it did not let begin",
      {
        begin() {
          throw other;
        },
        threw: () => expect.unreachable(),
      },
      { error: other },
    ],
  ])("%s", async (_title, after, outcome) => {
    const alone = createMethodDecorator({
      name: "alone",
      schema: { type: "object" },
      parts: [{ at: "retry", after: () => after }],
    });
    await using kernel = await createTestKernel({ plugins: [pluginOf(alone)] });
    class Subject {
      @alone()
      async work() {
        return 1;
      }
    }
    const settled = await kernel
      .adopt(new Subject())
      .work()
      .then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
    expect(settled).toEqual(outcome);
    expect(await kernel.stop()).toBeUndefined();
  });

  it("runs in the context of its call, also after it has waited", async () => {
    const seen: Array<string | undefined> = [];
    const note = (value: unknown) => {
      seen.push(currentOperation()?.id);
      return value;
    };
    const outer = noting("outer", [], { returned: note }, { at: "fallback" });
    const inner = noting("inner", [], { returned: async (value) => note(value) });
    await using kernel = await createTestKernel({ plugins: [pluginOf(outer, inner)] });
    class Subject {
      @outer({ name: "the.call" })
      @inner()
      async work() {}
    }
    await kernel.adopt(new Subject()).work();
    expect(seen).toEqual(["the.call", "the.call"]);
    expect(currentOperation()).toBeUndefined();
  });

  it("can make the call again, through all that stands inside it", async () => {
    const trace: Trace = [];
    const again = createMethodDecorator({
      name: "again",
      schema: { type: "object" },
      parts: [
        { at: "retry", after: (next) => ({ threw: (_error, _begun, self, args) => next(self, args) }) },
      ],
    });
    const inner = noting("inner", trace, {}, { at: "breaker" });
    await using kernel = await createTestKernel({ plugins: [pluginOf(again, inner)] });
    class Subject {
      calls = 0;
      @again()
      @inner()
      async work() {
        if (++this.calls === 1) throw down;
        return this.calls;
      }
    }
    expect(await kernel.adopt(new Subject()).work()).toBe(2);
    expect(trace).toEqual([
      ...["inner begins", "inner (inner) sees the error down"],
      ...["inner begins", "inner (inner) sees 2"],
    ]);
  });

  it("serves streams, where it sees the opened stream or why none was opened", async () => {
    const trace: Trace = [];
    const mended = createMethodDecorator({
      name: "mended",
      schema: { type: "object" },
      serves: { streams: true },
      parts: [
        {
          at: "fallback",
          after: () => ({
            returned(stream) {
              trace.push("opened");
              return stream;
            },
            async threw(error) {
              trace.push((error as Error).message);
              return one(0);
            },
          }),
        },
      ],
    });
    await using kernel = await createTestKernel({ plugins: [pluginOf(mended)] });
    class Subject {
      @mended()
      async *items(broken: boolean): AsyncGenerator<number> {
        if (broken) throw down;
        yield 1;
      }
    }
    const subject = kernel.adopt(new Subject());
    const read = async (broken: boolean) => {
      const items: number[] = [];
      for await (const item of subject.items(broken)) items.push(item);
      return items;
    };
    expect(await read(false)).toEqual([1]);
    expect(await read(true)).toEqual([0]);
    expect(trace).toEqual(["opened", "down"]);
  });
});

describe("a binding", () => {
  it("lets a part take its functions off it", async () => {
    const kept: unknown[] = [];
    const taken = createMethodDecorator({
      name: "taken",
      schema: { type: "object" },
      context: true,
      parts: [
        {
          at: "retry",
          around(
            next: Invoke,
            { call, derive, event, fork, keep, note, operation, resolve }: Binding,
          ): Invoke {
            kept.push(keep("state", () => "kept"));
            const failed = event("advice:failed");
            expect(() => resolve("nothing of that name")).toThrow(/nothing of that name/);
            return (self, args) => {
              note({ attempts: 2 });
              failed.publish({ advice: "taken", error: down });
              kept.push(call()!.id, fork({ attempt: 7 })!.call.attempt, operation.id);
              return derive({ attempt: 2 }, next, self, args);
            };
          },
        },
      ],
    });
    await using kernel = await createTestKernel({ plugins: [pluginOf(taken)] });
    class Subject {
      @taken()
      async work() {
        return currentOperation()!.attempt;
      }
    }
    const { value, attempts } = await kernel.outcome(() => kernel.adopt(new Subject()).work());
    expect([value, attempts]).toEqual([2, 2]);
    expect(kept).toEqual(["kept", "Subject.work", 7, "Subject.work"]);
  });
});
