import { createKernel, defineSection, definePlugin, type JsonSchema, type KernelOptions } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { project, warningsDuring } from "./project.js";

defineSection("weather", {
  type: "object",
  properties: {
    station: { type: "string", default: "north" },
    every: { duration: true, default: "1h" },
    token: { type: "string", secret: true },
  },
});

const start = (options: KernelOptions = {}) => createTestKernel({ plugins: [], ...options });

describe("a section that an application defines", () => {
  it("has defaults, variables, profiles, checks, explanations and listeners, as every other", async () => {
    const file = join(
      project({
        ".mlmcprc.yaml":
          "system: { environment: staging }\nprofiles:\n  staging:\n    weather: { station: south, token: hush }\n",
      }),
      ".mlmcprc.yaml",
    );
    await using kernel = await start({ configFile: file, env: { MLMCP_WEATHER_EVERY: "5m" } });
    const { config } = kernel;
    expect(config.section("weather")).toEqual({ station: "south", every: 300_000, token: "hush" });
    expect(config.explain("weather.station").source).toMatchObject({ kind: "profile", line: 4 });
    expect(config.redacted("weather")).toMatchObject({ token: "[secret]" });
    const told: unknown[] = [];
    config.onChange("weather.station", (station) => told.push(station));
    await config.set("weather.station", "west");
    expect(told).toEqual(["west"]);
    await expect(config.set("weather.statoin", "west")).rejects.toThrow(/Did you mean "station"/);
    await using plain = await start();
    expect(plain.config.section("weather")).toEqual({ station: "north", every: 3_600_000 });
  });

  it("may belong to one kernel alone", async () => {
    const sections = [
      { name: "tide", schema: { type: "object", properties: { low: { type: "integer", default: 1 } } } },
    ];
    await using kernel = await start({ sections, config: { tide: { low: 2 } } });
    expect(kernel.config.get("tide.low")).toBe(2);
    await expect(start({ config: { tide: {} } })).rejects.toThrow(/unknown section/);
  });

  it("is taken up by the next reload of a kernel that runs already", async () => {
    await using kernel = await start();
    defineSection("late", { type: "object", properties: { size: { type: "integer", default: 3 } } });
    expect(kernel.config.section("late")).toEqual({});
    await kernel.reload();
    expect(kernel.config.section("late")).toEqual({ size: 3 });
  });

  it("is replaced where its own module is evaluated again, and claimed by no other", async () => {
    // A module outside of this repository finds no package.
    vi.stubGlobal("defineSection", defineSection);
    onTestFinished(() => void vi.unstubAllGlobals());
    const module = (size: number) =>
      `defineSection("hot", { type: "object", properties: { size: { type: "integer", default: ${size} } } });`;
    const root = project({ "hot.mjs": module(1), "other.mjs": module(2) });
    const evaluate = (name: string) => import(/* @vite-ignore */ `${join(root, name)}?${Math.random()}`);
    await evaluate("hot.mjs");
    writeFileSync(join(root, "hot.mjs"), module(5));
    await evaluate("hot.mjs");
    await using kernel = await start();
    expect(kernel.config.get("hot.size")).toBe(5);
    await expect(evaluate("other.mjs")).rejects.toMatchObject({
      code: "MLMCP_SECTION",
      message: expect.stringMatching(/hot\.mjs and .*other\.mjs define the section "hot"/),
    });
  });

  it.each([
    ["Not camel", {}, /one camelCase word/],
    ["toString", {}, /every object has already/],
    ["nothing", undefined, /has no JSON Schema/],
  ])("is refused as %s", (name, schema, message) => {
    expect(() => defineSection(name, schema as JsonSchema)).toThrow(message);
  });

  it("is refused where the core or a plugin has it", async () => {
    const plugin = definePlugin({ name: "meteo", section: "weather" });
    await expect(start({ plugins: [plugin] })).rejects.toMatchObject({ code: "MLMCP_PLUGIN_SECTION" });
    await expect(start({ sections: [{ name: "system", schema: {} }] })).rejects.toMatchObject({
      code: "MLMCP_PLUGIN_SECTION",
    });
    const warnings = await warningsDuring(async () => {
      await using _ = await createKernel({ configFile: false, env: {}, autoload: false });
    });
    expect(warnings).toEqual([]);
  });
});
