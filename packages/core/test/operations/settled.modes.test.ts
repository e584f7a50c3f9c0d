import { createMethodDecorator, type Invoke } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it } from "vitest";
import { observing, pluginOf, type Trace } from "../support/tracing.js";

/** Answers with what is there already, in place of the method. */
function answering(values: unknown[]) {
  return createMethodDecorator({
    name: "answering",
    schema: { type: "object" },
    parts: [{ at: "cache", around: (_next: Invoke, binding) => () => binding.settled(values.shift()) }],
  });
}

/** Waits for what it hands on, as most advice does. */
const waiting = createMethodDecorator({
  name: "waiting",
  schema: { type: "object" },
  parts: [{ at: "fallback", around: (next: Invoke) => async (self, args) => next(self, args) }],
});

describe("an answer that is there", () => {
  it("reaches the caller as a promise, and the call has ended when it is returned", async () => {
    const trace: Trace = [];
    const answer = answering(["there"]);
    const seen = observing("seen", trace);
    await using _kernel = await createTestKernel({ plugins: [pluginOf(answer, seen)] });
    class Subject {
      @answer()
      @seen()
      async work(_what = ""): Promise<unknown> {
        return "made";
      }
    }
    const result = new Subject().work("x");
    trace.push("returned");
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toBe("there");
    expect(trace).toEqual(["start x", "end x ok there", "returned"]);
  });

  it("is counted among the calls in flight no longer than until it is returned", async () => {
    const answer = answering([1, 2]);
    const kernel = await createTestKernel({ plugins: [pluginOf(answer)] });
    class Subject {
      @answer()
      async work(_what = ""): Promise<unknown> {
        return 0;
      }
    }
    const subject = new Subject();
    const results = [subject.work(), subject.work()];
    // With one in flight the stop would wait for it.
    await kernel.stop();
    expect(await Promise.all(results)).toEqual([1, 2]);
  });

  it("may be undefined, and is each caller's own", async () => {
    const answer = answering([undefined, "first", "second"]);
    await using _kernel = await createTestKernel({ plugins: [pluginOf(answer)] });
    class Subject {
      @answer()
      async work(_what = ""): Promise<unknown> {
        return "made";
      }
    }
    const subject = new Subject();
    expect(await Promise.all([subject.work(), subject.work(), subject.work()])).toEqual([
      undefined,
      "first",
      "second",
    ]);
  });

  it("goes through advice outside it like any other", async () => {
    const trace: Trace = [];
    const answer = answering(["there"]);
    const seen = observing("seen", trace);
    await using _kernel = await createTestKernel({ plugins: [pluginOf(answer, waiting, seen)] });
    class Subject {
      @waiting()
      @answer()
      @seen()
      async work(_what = ""): Promise<unknown> {
        return "made";
      }
    }
    const result = new Subject().work("x");
    trace.push("returned");
    expect(await result).toBe("there");
    expect(trace).toEqual(["start x", "returned", "end x ok there"]);
  });
});
