import { createMethodDecorator, definePlugin, PluginError, type Placement } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { tracing } from "../support/tracing.js";

afterEach(() => void vi.restoreAllMocks());

const contributing = (parts: readonly unknown[]) => ({
  name: "x",
  decorators: [createMethodDecorator({ name: "odd", schema: {}, parts: parts as never })],
});
const around = () => () => undefined;

describe("definePlugin()", () => {
  it.each<[what: string, definition: unknown, message: RegExp]>([
    ["nothing", undefined, /takes a definition.*it was given undefined/],
    [
      "an unknown key",
      { name: "x", depensOn: ["y"] },
      /"x" has an unknown key `depensOn`\. Did you mean `dependsOn`/,
    ],
    [
      "a key far from any",
      { name: "x", zzzzzzzzzz: 1 },
      /unknown key `zzzzzzzzzz`\. Known are: name, section/,
    ],
    ["a start that is no function", { name: "x", start: 5 }, /has `start: 5`; it must be a function/],
    [
      "a decorator that is none",
      { name: "x", decorators: [() => 1] },
      /`decorators\[0\]`; it must be what `createMethodDecorator/,
    ],
    [
      "a part without a step",
      contributing([{ at: "cache" }]),
      /@odd, whose `parts\[0\]` must have one of the functions `around`, `after` and `observe`/,
    ],
    [
      "after-advice in a decorator for synchronous methods",
      {
        name: "x",
        decorators: [
          { advice: { name: "odd", serves: { sync: true }, parts: [{ at: "cache", after: around }] } },
        ],
      },
      /@odd, whose `parts\[0\]` has the function `after`, which waits for a promise, but the advice says `serves: \{ sync: true \}`\. Use `around`\./,
    ],
    ["a part with both", contributing([{ at: "cache", around, observe: around }]), /must have one of/],
    [
      "an unknown phase",
      contributing([{ at: "cahce", around }]),
      /stands `at: 'cahce'`, which is no place\. Did you mean "cache"\?/,
    ],
    [
      "an unknown side",
      contributing([{ at: { inside: "cache" }, around }]),
      /`at: \{ inside: 'cache' \}`, which is no place/,
    ],
    ["an around that stands nowhere", contributing([{ around }]), /`at: undefined`, which is no place/],
    [
      "a section that every object has",
      { name: "x", section: "toString" },
      /section "toString", which every object has already/,
    ],
  ])("refuses %s", (_, definition, message) => {
    const define = () => definePlugin(definition as never);
    expect(define).toThrow(message);
    expect(define).toThrow(PluginError);
  });

  it.each<[at: Placement | undefined]>([["cache"], [{ before: "retry" }], [{ after: "retry" }]])(
    "takes a part at %j",
    (at) => expect(definePlugin(contributing([{ at, around }]) as never).name).toBe("x"),
  );
});

describe("a kernel", () => {
  it.each<[plugins: unknown, message: RegExp]>([
    [[{}], /createKernel\(\{ plugins \}\) at 0 was given \{\}, which is not a plugin/],
    [["x"], /given 'x', which is not a plugin.*name the package in the configuration: `plugins: \['x'\]`/],
    [[undefined], /given undefined, which is not a plugin/],
    [definePlugin({ name: "alone" }), /which takes a list/],
  ])("refuses the plugins %j", async (plugins, message) => {
    await expect(createTestKernel({ plugins: plugins as never })).rejects.toThrow(message);
    await expect(createTestKernel({ plugins: plugins as never })).rejects.toBeInstanceOf(PluginError);
  });

  it("refuses what it cannot adopt, wrap, resolve or use", async () => {
    await using kernel = await createTestKernel({ plugins: [] });
    expect(() => kernel.adopt(5 as never)).toThrow(/kernel\.adopt\(\) was given 5; it takes an object/);
    expect(() => kernel.wrap(5 as never)).toThrow(/kernel\.wrap\(\) was given 5; it takes a function/);
    expect(() => kernel.resolve(undefined as never)).toThrow(
      /kernel\.resolve\(\) was given undefined.*import each other/,
    );
    await expect(kernel.use({} as never)).rejects.toThrow(
      /kernel\.use\(\) was given \{\}, which is not a plugin/,
    );
  });
});

describe("a plugin that is turned off", () => {
  const named = (name: string) =>
    definePlugin({
      name,
      section: "toggled",
      schema: { type: "object", properties: { size: { type: "integer", default: 1 } } },
      decorators: [tracing("toggledTwice", [], "cache")],
    });

  it("leaves its section, its variables and its advice valid", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    await using kernel = await createTestKernel({
      plugins: [named("toggled-a")],
      env: { MLMCP_TOGGLED_SIZE: "3" },
      config: {
        plugins: { "toggled-a": false },
        toggled: { size: 2 },
        operations: { "*": { toggledTwice: false } },
      },
    });
    expect(kernel.plugins.map(({ name }) => name)).not.toContain("toggled-a");
    expect(warn).not.toHaveBeenCalled();
  });

  it("leaves its section to the one that stands in for it", async () => {
    await using kernel = await createTestKernel({
      plugins: [named("toggled-b"), named("toggled-c")],
      config: { plugins: { "toggled-b": false }, toggled: { size: 2 } },
    });
    expect(kernel.config.get("toggled.size")).toBe(2);
  });

  it("is named where no such plugin is known, once, with the nearest name", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    await using _ = await createTestKernel({
      plugins: [named("toggled-d")],
      config: { plugins: { toggledd: false } },
    });
    expect(warn).toHaveBeenCalledWith(
      expect.stringMatching(/plugins\.toggledd: false .* turns off nothing.*Did you mean "toggled-[a-d]"\?/),
      { code: "MLMCP_PLUGIN_OFF_UNKNOWN" },
    );
  });
});
