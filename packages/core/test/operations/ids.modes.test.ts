import { createTestKernel } from "@mlmcp/core/testing";
import { service } from "@mlmcp/core";
import { describe, expect, it } from "vitest";
import { pluginOf, tracing } from "../support/tracing.js";

const traced = tracing("traced", [], "cache");
const plugin = pluginOf(traced);

/** The same place, evaluated again and again, as by hot reload. */
function evaluateModule(result: string) {
  class Reloaded {
    @traced()
    work() {
      return result;
    }
  }
  return Reloaded;
}

describe("an operation's id", () => {
  it("is complete for a class that carries a class decorator, before anything is constructed", async () => {
    @service()
    class Complete {
      @traced()
      work() {}
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    expect(kernel.operations.get("Complete.work")).toMatchObject({ owner: Complete, className: "Complete" });
  });

  it("is complete at the latest at the first construction, also of a subclass", async () => {
    class Late {
      @traced()
      work() {}
    }
    class Later extends Late {}
    await using kernel = await createTestKernel({ plugins: [plugin] });
    kernel.adopt(new Later());
    expect(kernel.operations.get("Late.work")).toMatchObject({ owner: Late });
  });

  it("asks for `name` where two classes in use claim it", async () => {
    const first = (() => {
      class Clash {
        @traced()
        work() {
          return 1;
        }
      }
      return Clash;
    })();
    const second = (() => {
      class Clash {
        @traced()
        work() {
          return 2;
        }
      }
      return Clash;
    })();
    await using kernel = await createTestKernel({ plugins: [plugin] });
    expect(kernel.adopt(new first()).work()).toBe(1);
    expect(() => kernel.adopt(new second()).work()).toThrow(
      /Two operations are called "Clash\.work".*option `name`/,
    );
    expect(kernel.adopt(new first()).work()).toBe(1);
  });

  it("moves to the newer class when a module is evaluated again", async () => {
    const Old = evaluateModule("old");
    await using kernel = await createTestKernel({ plugins: [plugin] });
    expect(kernel.adopt(new Old()).work()).toBe("old");
    const New = evaluateModule("new");
    expect(kernel.adopt(new New()).work()).toBe("new");
  });

  it("is refused to the older class once the newer one is in use, since they would share state unawares", async () => {
    const Old = evaluateModule("old");
    const New = evaluateModule("new");
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const old = kernel.adopt(new Old());
    expect(old.work()).toBe("old");
    kernel.adopt(new New()).work();
    expect(() => old.work()).toThrow(
      /evaluated more than once and both classes are in use; a class made inside a function needs a name/,
    );
  });

  it("may be the same in two kernels", async () => {
    const [First, Second] = [evaluateModule("first"), evaluateModule("second")];
    await using a = await createTestKernel({ plugins: [plugin] });
    await using b = await createTestKernel({ plugins: [plugin] });
    expect([b.adopt(new Second()).work(), a.adopt(new First()).work()]).toEqual(["second", "first"]);
  });
});
