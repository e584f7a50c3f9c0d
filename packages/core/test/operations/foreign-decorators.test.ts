import "reflect-metadata";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it } from "vitest";
import { pluginOf, tracing, type Trace } from "../support/tracing.js";

const trace: Trace = [];
const traced = tracing("traced", trace, "cache");
const other = tracing("other", trace, "observe");
const plugin = pluginOf(traced, other);

/** As Nest's `SetMetadata`: data on the function in the method's place. */
const SetMetadata =
  (key: string, value: unknown): MethodDecorator =>
  (_target, _key, descriptor) =>
    Reflect.defineMetadata(key, value, descriptor.value as object);

/** As Nest's route decorators: data on the function, read later through the prototype. */
const Get = (path: string) => SetMetadata("path", path);

/** As TypeORM's and type-graphql's: data on the prototype and the member's name. */
const Column =
  (type: string): MethodDecorator =>
  (target, key) =>
    Reflect.defineMetadata("column", type, target, key);

/** As an interceptor: a function of its own in the method's place. */
const Wrapping: MethodDecorator = (_target, _key, descriptor) => {
  const original = descriptor.value as unknown as (...args: unknown[]) => unknown;
  const intercepted = function (this: unknown, ...args: unknown[]) {
    trace.push("foreign");
    return original.apply(this, args);
  };
  (descriptor as PropertyDescriptor).value = intercepted;
};

describe("decorators of other frameworks", () => {
  it("find their metadata, whether they stand above or below ours", async () => {
    class Controller {
      @Get("/above")
      @traced()
      above() {}
      @traced()
      @Get("/below")
      @Column("text")
      below() {}
    }
    expect(Reflect.getMetadata("path", Controller.prototype.above)).toBe("/above");
    expect(Reflect.getMetadata("path", Controller.prototype.below)).toBe("/below");
    expect(Reflect.getMetadata("column", Controller.prototype, "below")).toBe("text");
    expect(Reflect.getMetadata("design:paramtypes", Controller.prototype, "below")).toEqual([]);
  });

  it("keep properties that they put on the function", () => {
    const Tag: MethodDecorator = (_target, _key, descriptor) => {
      Object.assign(descriptor.value as object, { tag: "kept" });
    };
    class Tagged {
      @traced()
      @Tag
      work() {}
    }
    expect((Tagged.prototype.work as { tag?: string }).tag).toBe("kept");
  });

  it("may wrap all of ours, or be wrapped by all of ours", async () => {
    class Wrapped {
      @Wrapping
      @traced()
      outside() {}
      @traced()
      @Wrapping
      inside() {}
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const wrapped = kernel.adopt(new Wrapped());
    trace.length = 0;
    wrapped.outside();
    expect(trace).toEqual(["foreign", "> traced", "< traced"]);
    trace.length = 0;
    wrapped.inside();
    expect(trace).toEqual(["> traced", "foreign", "< traced"]);
  });

  it("are named where one stands between two of ours", () => {
    expect(() => {
      class Between {
        @other()
        @Wrapping
        @traced()
        work() {}
      }
      return Between;
    }).toThrow(/@other on Between\.work: another decorator has put "intercepted" between it and @traced/);
  });
});
