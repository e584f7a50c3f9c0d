import { build } from "esbuild";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

type Core = typeof import("@mlmcp/core");

const source = fileURLToPath(new URL("../../src/index.ts", import.meta.url));
// Below node_modules, so that the test runner hands the copies to Node as they are.
const folder = fileURLToPath(new URL(`../../node_modules/.two-copies-${process.pid}`, import.meta.url));
let a: Core;
let b: Core;

beforeAll(async () => {
  const copy = async (name: string): Promise<Core> => {
    const outfile = `${folder}/${name}.mjs`;
    await build({
      entryPoints: [source],
      outfile,
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
      target: "node20",
    });
    return (await import(outfile)) as Core;
  };
  [a, b] = [await copy("a"), await copy("b")];
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("two copies of the core in one process", () => {
  it("share operations: a kernel of one runs methods that the other decorated", async () => {
    expect(a.createKernel).not.toBe(b.createKernel);
    const decorated = a.createMethodDecorator({
      name: "byA",
      schema: { type: "object" },
      serves: { sync: true },
      parts: [{ at: "cache", around: (next) => (self, args) => `advised ${String(next(self, args))}` }],
    });
    const plugin = a.definePlugin({ name: "plugin-of-a", decorators: [decorated] });
    class Subject {
      work() {
        return "work";
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Subject.prototype, "work")!;
    const apply = decorated() as unknown as (
      target: object,
      key: string,
      given: PropertyDescriptor,
    ) => PropertyDescriptor;
    Object.defineProperty(Subject.prototype, "work", apply(Subject.prototype, "work", descriptor));

    const kernel = await b.createKernel({ configFile: false, env: {}, plugins: [plugin] });
    expect(kernel.adopt(new Subject()).work()).toBe("advised work");
    expect(b.operationOf(Subject.prototype.work)?.id).toBe("Subject.work");
    await kernel.stop();
    expect(() => new Subject().work()).toThrow(/no kernel runs any more/);
  });

  it("each start with the plugins that both have brought", async () => {
    for (const { createKernel } of [a, b]) {
      const kernel = await createKernel({ configFile: false, env: {} });
      expect(kernel.plugins.filter(({ name }) => name === "resilience")).toHaveLength(1);
      await kernel.stop();
    }
  });

  it("share injection metadata", async () => {
    class Database {}
    class Reports {
      constructor(readonly database: Database) {}
    }
    a.service([])(Database);
    a.service([Database])(Reports);
    const kernel = await b.createKernel({ configFile: false, env: {}, autoload: false });
    expect(kernel.resolve(Reports).database).toBe(kernel.resolve(Database));
    await kernel.stop();
  });

  it("share the context and know each other's errors", async () => {
    const kernel = await a.createKernel({
      configFile: false,
      env: {},
      config: { system: { context: true } },
      autoload: false,
    });
    const look = kernel.wrap(() => b.currentOperation()?.id, { name: "look" });
    expect(look()).toBe("look");
    await kernel.stop();
    const error = await kernel.reload().catch((reason: unknown) => reason);
    expect(b.isMlmcpError(error)).toBe(true);
    expect(error).not.toBeInstanceOf(b.PluginError);
  });
});
