import { service } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cacheEvict, CacheManager, cachePlugin, cachePut } from "@mlmcp/plugin-cache";
import { afterAll, describe, expect, it } from "vitest";
import { warningsDuring } from "../../../core/test/config/project.js";

let standard = false;
class Probe {
  @((_target: unknown, context: unknown) => void (standard = typeof context === "object"))
  method(): void {}
}

const start = () => createTestKernel({ plugins: [cachePlugin], config: { cache: { store: "memory:" } } });

/** Nothing ever makes one: under standard decorators its class stays unknown. */
class Unmade {
  @cached()
  async findUnmade(id: number): Promise<number> {
    return id;
  }
}

@service()
class Shelf {
  @cached()
  async find(id: number): Promise<number> {
    return id;
  }
  async count(): Promise<number> {
    return 1;
  }
  @cacheEvict({ operation: "fnd" })
  async misspelt(): Promise<void> {}
  @cacheEvict({ operation: "count" })
  async bare(): Promise<void> {}
  @cacheEvict({ operation: "misspelt" })
  async evictsEviction(): Promise<void> {}
  @cachePut({ operation: "Shlef.find" })
  async misspeltClass(): Promise<number> {
    return 1;
  }
  @cacheEvict({ operation: "Nope.nothing" })
  async nowhere(): Promise<void> {}
  @cacheEvict({ operation: "Unmade.findUnmade" })
  async unmade(): Promise<void> {}
  @cacheEvict({ operation: () => Unmade.prototype.findUnmade })
  async unmadeMethod(): Promise<void> {}
  @cacheEvict({ operation: ["find", () => Shelf.prototype.find] })
  async right(): Promise<void> {}
}

@service()
class Elsewhere {
  @cacheEvict({ operation: "Shelf.count" })
  async bare(): Promise<void> {}
}
// Operations are held weakly: without a reference the class could be collected before its test.
afterAll(() => void [Unmade, Shelf, Elsewhere, Probe]);

describe("a reference that names no cached operation says what it may mean:", () => {
  it.each<[keyof Shelf, string]>([
    ["misspelt", 'There is no operation "fnd". Did you mean "find"?'],
    ["bare", "Shelf.count is not decorated with @cached. Put @cached() on it."],
    ["evictsEviction", "Shelf.misspelt is not decorated with @cached. Put @cached() on it."],
    ["misspeltClass", 'There is no operation "Shlef.find". Did you mean "Shelf.find"?'],
    ["nowhere", 'There is no operation "Nope.nothing". Import its class first, or name another one.'],
  ])("%s", async (method, message) => {
    await using kernel = await start();
    await expect((kernel.resolve(Shelf)[method] as () => Promise<unknown>)()).rejects.toMatchObject({
      code: "MLMCP_CACHE_OPERATION",
      message,
    });
  });

  it("a method of another class that nothing decorates", async () => {
    await using kernel = await start();
    await expect(kernel.resolve(Elsewhere).bare()).rejects.toThrow(
      "Shelf.count is not decorated with @cached. Put @cached() on it.",
    );
  });

  it("a method that nothing decorates is not called", async () => {
    await using kernel = await start();
    let ran = 0;
    const { method } = {
      async method() {
        ran++;
      },
    };
    await expect(kernel.resolve(CacheManager).invalidate(method)).rejects.toThrow("is no decorated method");
    expect(ran).toBe(0);
  });
});

describe("an operation whose class is not known yet", () => {
  const mend =
    /findUnmade \(.*references\.modes\.test\.ts:\d+\), whose class is not known yet\. Under TC39 decorators a class is known after its first `new`; at once with `@service\(\)`/;

  it.runIf(standard)("is said to be the one that an id may mean", async () => {
    await using kernel = await start();
    const shelf = kernel.resolve(Shelf);
    await expect(shelf.unmade()).rejects.toThrow(mend);
    await expect(shelf.unmade()).rejects.toThrow('There is no operation "Unmade.findUnmade" yet. It may be ');
    expect(() => kernel.operations.explain("Unmade.findUnmade")).toThrow(mend);
  });

  it.runIf(standard)("is said to be the method that was given", async () => {
    await using kernel = await start();
    await expect(kernel.resolve(Shelf).unmadeMethod()).rejects.toThrow(mend);
    await expect(kernel.resolve(CacheManager).invalidate(Unmade.prototype.findUnmade, [7])).rejects.toThrow(
      mend,
    );
  });

  it("is found once a kernel has adopted the class", async () => {
    class Adopted {
      @cached()
      async findAdopted(id: number): Promise<number> {
        return id;
      }
    }
    await using kernel = await start();
    expect(
      kernel.operations
        .pending()
        .map(({ methodName }) => methodName)
        .includes("findAdopted"),
    ).toBe(standard);
    kernel.adopt(Adopted);
    expect(kernel.operations.get("Adopted.findAdopted")).toMatchObject({ owner: Adopted });
    await kernel.resolve(CacheManager).invalidate(Adopted.prototype.findAdopted, [7]);
    await kernel.resolve(CacheManager).invalidate("Adopted.findAdopted", [7]);
  });

  it("is found where a service extends the class", async () => {
    class Base {
      @cached()
      async findBase(id: number): Promise<number> {
        return id;
      }
    }
    @service()
    class Extended extends Base {}
    await using kernel = await start();
    await kernel.resolve(CacheManager).invalidate("Base.findBase", [7]);
    expect(kernel.services.has(Extended)).toBe(true);
  });
});

describe("the wrong references of classes that are known", () => {
  const wrong = [
    '@cacheEvict on Shelf.misspelt %: There is no operation "fnd". Did you mean "find"?',
    "@cacheEvict on Shelf.bare %: Shelf.count is not decorated with @cached. Put @cached() on it.",
    "@cacheEvict on Shelf.evictsEviction %: Shelf.misspelt is not decorated with @cached. Put @cached() on it.",
    '@cachePut on Shelf.misspeltClass %: There is no operation "Shlef.find". Did you mean "Shelf.find"?',
    '@cacheEvict on Shelf.nowhere %: There is no operation "Nope.nothing". Import its class first, or name another one.',
    "@cacheEvict on Elsewhere.bare %: Shelf.count is not decorated with @cached. Put @cached() on it.",
  ];
  const saying = (what: string) => wrong.map((message) => message.replace("%", what)).toSorted();

  it("are errors for mlmcp doctor", async () => {
    await using kernel = await start();
    const rule = cachePlugin.diagnostics!.find((one) => one.rule === "cache-reference")!;
    const findings = await rule.diagnose(kernel as never);
    expect(findings.map(({ message }) => message).toSorted()).toEqual(saying("fails when it is called"));
    expect(findings.every(({ level }) => level === "error")).toBe(true);
  });
});

it("a reference to a method whose caching is off is none of the wrong ones, nor one to a function wrapped after the start", async () => {
  @service()
  class Late {
    @cacheEvict({ operation: "quotes" })
    async refresh(): Promise<void> {}
  }
  const warnings = await warningsDuring(async () => {
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: "memory:" }, operations: { "Shelf.find": { cached: false } } },
    });
    kernel.wrap(async () => 1, { name: "quotes", cached: {} });
    await new Promise((resolve) => setImmediate(resolve));
    expect(kernel.services.has(Late)).toBe(true);
  });
  expect(warnings.filter(({ message }) => /quotes|Shelf\.right/.test(message))).toEqual([]);
});
