import { createMethodDecorator } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it } from "vitest";
import { pluginOf, tracing, type Trace } from "../support/tracing.js";

describe("the order of the call path", () => {
  it("follows the phases, whatever the order in which decorators are written", async () => {
    const trace: Trace = [];
    const outer = tracing("outer", trace, "observe");
    const middle = tracing("middle", trace, "cache");
    const inner = tracing("inner", trace, "offload");
    class Subject {
      @inner()
      @outer()
      @middle()
      async work() {
        trace.push("method");
      }
    }
    await using kernel = await createTestKernel({ plugins: [pluginOf(outer, middle, inner)] });
    await kernel.adopt(new Subject()).work();
    expect(trace).toEqual(["> outer", "> middle", "> inner", "method", "< inner", "< middle", "< outer"]);
  });

  it("keeps the written order within a phase, top outermost", async () => {
    const trace: Trace = [];
    const first = tracing("first", trace, "cache");
    const second = tracing("second", trace, "cache");
    class Subject {
      @first()
      @second()
      work() {}
    }
    await using kernel = await createTestKernel({ plugins: [pluginOf(second, first)] });
    kernel.adopt(new Subject()).work();
    expect(trace).toEqual(["> first", "> second", "< second", "< first"]);
  });

  it("places third-party advice before or after a phase", async () => {
    const trace: Trace = [];
    const before = tracing("before", trace, { before: "retry" });
    const within = tracing("within", trace, "retry");
    const after = tracing("after", trace, { after: "retry" });
    class Subject {
      @after()
      @within()
      @before()
      work() {}
    }
    await using kernel = await createTestKernel({ plugins: [pluginOf(before, within, after)] });
    kernel.adopt(new Subject()).work();
    expect(trace.slice(0, 3)).toEqual(["> before", "> within", "> after"]);
  });

  it("gives one decorator a step in each phase that its options ask for", async () => {
    const trace: Trace = [];
    const step =
      (label: string) =>
      (next: (self: unknown, args: unknown[]) => unknown) =>
      (self: unknown, args: unknown[]) => {
        trace.push(label);
        return next(self, args);
      };
    const composite = createMethodDecorator<{ verify?: boolean }>({
      name: "composite",
      schema: { type: "object", properties: { verify: { type: "boolean", default: false } } },
      serves: { sync: true },
      parts: [
        { at: "verify", when: ({ verify }) => verify === true, around: step("verify") },
        { at: "validate", around: step("validate") },
      ],
    });
    class Subject {
      @composite()
      plain() {}
      @composite({ verify: true })
      verified() {}
    }
    await using kernel = await createTestKernel({ plugins: [pluginOf(composite)] });
    const subject = kernel.adopt(new Subject());
    subject.plain();
    expect(trace).toEqual(["validate"]);
    subject.verified();
    expect(trace).toEqual(["validate", "validate", "verify"]);
  });

  it("is rearranged for one operation by `order`, which leaves unnamed advice in its place", async () => {
    const trace: Trace = [];
    const a = tracing("a", trace, "observe");
    const b = tracing("b", trace, "cache");
    const c = tracing("c", trace, "retry");
    class Ordered {
      @a()
      @b()
      @c()
      work() {}
    }
    const config = { operations: { "Ordered.work": { order: ["c", "a"] } } };
    await using kernel = await createTestKernel({ plugins: [pluginOf(a, b, c)], config });
    kernel.adopt(new Ordered()).work();
    expect(trace.slice(0, 3)).toEqual(["> c", "> b", "> a"]);
  });

  it("refuses an `order` that names what the operation does not carry", async () => {
    const trace: Trace = [];
    const cachedLike = tracing("cachedLike", trace, "cache");
    const other = tracing("other", trace, "retry");
    class Misordered {
      @cachedLike()
      work() {}
    }
    const config = { operations: { "Misordered.work": { order: ["other"] } } };
    await using kernel = await createTestKernel({ plugins: [pluginOf(cachedLike, other)], config });
    expect(() => kernel.adopt(new Misordered()).work()).toThrow(
      /order of Misordered\.work .*names "other".*cachedLike/,
    );
  });

  it("is explained with each option and where it came from", async () => {
    const trace: Trace = [];
    const tagged = tracing("tagged", trace, "cache");
    const skipped = tracing("skipped", trace, "observe");
    class Explained {
      @tagged({ tag: "from code" })
      @skipped()
      work() {}
      @tagged({ tag: "from code" })
      tuned() {}
    }
    const config = {
      operations: { "Explained.work": { skipped: false }, "Explained.tuned": { tagged: { tag: "tuned" } } },
    };
    await using kernel = await createTestKernel({ plugins: [pluginOf(tagged, skipped)], config });
    kernel.adopt(new Explained()).work();
    expect(kernel.operations.explain("Explained.work")).toMatchObject({
      id: "Explained.work",
      chain: [
        {
          advice: "tagged",
          placement: "cache",
          options: [{ name: "tag", value: "from code", source: "@tagged in the code" }],
        },
      ],
      skipped: [{ advice: "skipped", reason: "off in createKernel({ config })" }],
    });
    kernel.adopt(new Explained()).tuned();
    expect(kernel.operations.explain("Explained.tuned").chain[0]?.options).toEqual([
      { name: "tag", value: "tuned", source: "createKernel({ config })" },
    ]);
    expect(() => kernel.operations.explain("Explained.wrok")).toThrow(/Did you mean "Explained.work"/);
  });
});
