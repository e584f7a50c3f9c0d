import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const defaulting = () =>
  project({
    ".git/": "",
    ".mlmcprc.json": JSON.stringify({ plugins: [fixture("default-secrets-plugin.ts")] }),
  });

describe("a default that is a secret", () => {
  it.each([
    ["config explain safe"],
    ["config explain safe.code"],
    ["config explain safe.password"],
    ["config explain safe.store"],
    ["config explain safe.door"],
    ["config explain safe.vault.words"],
    ["config show"],
    ["config schema"],
    ["plugins info safe"],
  ])("is not shown by `mlmcp %s`", async (line) => {
    for (const form of [[], ["--json"]]) {
      const { code, out, err } = await mlmcp([...line.split(" "), ...form], { cwd: defaulting() });
      expect([code, err]).toEqual([0, ""]);
      expect(out).not.toContain("hunter2");
    }
  });

  it("is said to be one, and is no proposal to an editor", async () => {
    const explained = await mlmcp(["config", "explain", "safe.store", "--json"], { cwd: defaulting() });
    expect(JSON.parse(explained.out)).toMatchObject({ default: "redis://u:[secret]@host", secret: true });
    const { out } = await mlmcp(["config", "schema"], { cwd: defaulting() });
    const { properties, required } = JSON.parse(out).definitions["section.safe"];
    const withDefault = Object.keys(properties).filter((key) => "default" in properties[key]);
    expect(withDefault).toEqual(["size"]);
    // What has a default need not stand in the file, whether or not the default is shown.
    expect(required).toBeUndefined();
    const { properties: inVault } = properties.vault.anyOf?.[0] ?? properties.vault;
    expect(inVault.words).not.toHaveProperty("default");
  });
});

describe("a URL, a Map and a Set, which code gives", () => {
  const given = () =>
    project({
      ".git/": "",
      ".mlmcprc.mjs": `export default {
        plugins: [${JSON.stringify(fixture("default-secrets-plugin.ts"))}],
        safe: { given: [
          new URL("https://u:hunter2@host/?token=hunter2&a=1"),
          new Map([["password", "hunter2"], ["user", "ann"]]),
          new Set(["redis://:hunter2@h"]),
          new Map([["open", 1]]),
        ] },
      };`,
    });

  it.each(["config show", "config explain safe.given", "config get safe.given"])(
    "are shown without their secrets by `mlmcp %s`",
    async (line) => {
      const cwd = given();
      const { code, out, err } = await mlmcp(line.split(" "), { cwd });
      expect([code, err]).toEqual([0, ""]);
      expect(out).not.toContain("hunter2");
      expect(out).toContain('"https://u:[secret]@host/?token=[secret]&a=1"');
      expect(out).toContain('{"password":"[secret]","user":"ann"},["redis://:[secret]@h"],{"open":1}');
    },
  );
});
