import { transformSync as swc } from "@swc/core";
import { retry, service, createMethodDecorator, definePlugin } from "@mlmcp/core";
import { createTestKernel, decoratorContract } from "@mlmcp/core/testing";
import { transform as esbuild } from "esbuild";
import { transformSync as oxc } from "oxc-transform";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";

type Fixture = typeof import("../support/decorated-classes.js");

const fixture = fileURLToPath(new URL("../support/decorated-classes.ts", import.meta.url));
const source = readFileSync(fixture, "utf8");
// Below node_modules, so that the test runner hands the results to Node as they are.
const folder = fileURLToPath(new URL(`../../node_modules/.compilers-${process.pid}`, import.meta.url));

const tsc = (experimentalDecorators: boolean): string =>
  ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      experimentalDecorators,
      emitDecoratorMetadata: experimentalDecorators,
    },
  }).outputText;

const esbuilt = async (experimentalDecorators: boolean): Promise<string> => {
  const { code } = await esbuild(source, {
    loader: "ts",
    target: "es2022",
    tsconfigRaw: { compilerOptions: { experimentalDecorators } },
  });
  return code;
};

const swced = (transform: object): string =>
  swc(source, {
    filename: fixture,
    configFile: false,
    swcrc: false,
    module: { type: "es6" },
    jsc: { target: "es2022", parser: { syntax: "typescript", decorators: true }, transform },
  }).code;

const compilers: Record<string, () => string | Promise<string>> = {
  "tsc legacy": () => tsc(true),
  "tsc standard": () => tsc(false),
  "esbuild legacy": () => esbuilt(true),
  "esbuild standard": () => esbuilt(false),
  "swc legacy": () => swced({ legacyDecorator: true, decoratorMetadata: true }),
  "swc standard": () => swced({ decoratorVersion: "2022-03" }),
  "oxc legacy": () => oxc(fixture, source, { decorator: { legacy: true, emitDecoratorMetadata: true } }).code,
};

mkdirSync(folder, { recursive: true });
const fixtures = await Promise.all(
  Object.entries(compilers).map(async ([name, compile]) => {
    const code = await compile();
    const file = `${folder}/${name.replace(" ", "-")}.mjs`;
    writeFileSync(file, code);
    return [name, (await import(file)) as Fixture] as const;
  }),
);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const passing = createMethodDecorator({
  name: "passing",
  schema: { type: "object" },
  serves: { sync: true, streams: true },
  parts: [{ at: "cache", around: (next) => (self, args) => next(self, args) }],
});
const plugin = definePlugin({ name: "plugin-passing", decorators: [passing] });
const modes = Object.fromEntries(fixtures.map(([name, { subjects }]) => [name, subjects]));

describe("the decorator contract, as each compiler emits it", () => {
  const contracts = [
    ...decoratorContract({ decorator: passing, plugins: [plugin] }, { modes }),
    ...decoratorContract(
      { decorator: retry, plugins: [], options: { maxRetries: 1, initialDelay: 1 } },
      { modes },
    ),
  ];
  it.each(
    contracts.map(
      (rule, index) => [index < contracts.length / 2 ? "@passing" : "@retry", rule.title, rule.run] as const,
    ),
  )("%s, %s", async (_decorator, _title, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe.each(fixtures)("classes compiled by %s", (_name, { classes }) => {
  it("are decorated wherever a decorator can stand, and their ids are known", async () => {
    const { Parent, Child, Whole } = classes(passing, service);
    await using kernel = await createTestKernel({ plugins: [plugin] });
    expect(kernel.operations.get("Parent.work")).toMatchObject({ owner: Parent });
    const child = kernel.adopt(new Child());
    const whole = kernel.adopt(new Whole());
    expect([child.work(), Parent.tool(), Child.tool(), whole.one(), whole.two()]).toEqual([
      "child of parent",
      "tool",
      "tool",
      1,
      2,
    ]);
    const items: number[] = [];
    for await (const item of child.stream()) items.push(item);
    expect(items).toEqual([1, 2]);
    const ids = kernel.operations.list().map(({ id }) => id);
    expect(ids).toEqual(
      expect.arrayContaining([
        "Child.stream",
        "Child.work",
        "Parent.static.tool",
        "Parent.work",
        "Whole.one",
        "named.two",
      ]),
    );
    expect(kernel.operations.get("Whole.one")?.source?.file).toContain(folder);
  });
});

it("oxc cannot lower standard decorators, and leaves them in its output", () => {
  expect(oxc(fixture, source, {}).code).toMatch(/@decorator\(\)/);
});
