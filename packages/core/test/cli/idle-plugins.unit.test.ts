import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { mlmcp } from "./command-line.js";

/** An application beside which plugins are installed. */
const withInstalled = (rc?: string) =>
  project({
    ".git/": "",
    "package.json": '{ "dependencies": { "mlmcp-plugin-weather": "1.0.0" } }',
    "node_modules/@mlmcp/plugin-cache/package.json": '{ "name": "@mlmcp/plugin-cache" }',
    "node_modules/mlmcp-plugin-weather/package.json":
      '{ "name": "mlmcp-plugin-weather", "keywords": ["mlmcp-plugin"] }',
    ...(rc !== undefined && { ".mlmcprc.yaml": rc }),
  });

describe("a plugin that is installed and that nothing loads", () => {
  it.each([
    [["cache", "stats"], "`cache` comes with @mlmcp/plugin-cache, which is installed and not configured."],
    [["help", "cache"], "`cache` comes with @mlmcp/plugin-cache, which is installed and not configured."],
    [["cahce"], "Did you mean cache? `cache` comes with @mlmcp/plugin-cache"],
    [["weather"], "`weather` may come with mlmcp-plugin-weather, which is installed and not configured."],
  ])("is named where its command is typed: %j", async (args, hint) => {
    const { code, out, err } = await mlmcp(args, { cwd: withInstalled() });
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(`error: unknown command '${args.at(args[0] === "help" ? 1 : 0)}'\n${hint}`);
    expect(err).toContain("Run `mlmcp init`, list it under `plugins` in a configuration, or name the module");
  });

  it("is to be listed in the configuration that there is", async () => {
    const { err } = await mlmcp(["cache"], { cwd: withInstalled("system: {}\n") });
    expect(err).toMatch(/not configured\. List it under `plugins` in \S+\.mlmcprc\.yaml, or name/);
  });

  it("is said to be turned off where it is", async () => {
    const cwd = withInstalled('plugins: { "@mlmcp/plugin-cache": false }\n');
    expect((await mlmcp(["cache"], { cwd })).err).toContain(
      "comes with @mlmcp/plugin-cache, which is installed and turned off in the configuration",
    );
  });

  it("is not thought of where a command of ours was mistyped", async () => {
    const { err } = await mlmcp(["confg"], { cwd: withInstalled() });
    expect(err).toContain("(Did you mean config?)");
    expect(err).not.toContain("plugin");
  });

  it("is below the commands of help --all, for people", async () => {
    const { code, out } = await mlmcp(["help", "--all"], { cwd: withInstalled() });
    expect(code).toBe(0);
    expect(out).toMatch(
      /\n\nInstalled, but not configured, so that their commands are not among these: @mlmcp\/plugin-cache, mlmcp-plugin-weather\n$/,
    );
    const json = await mlmcp(["help", "--all", "--json"], { cwd: withInstalled() });
    expect(JSON.parse(json.out)).toEqual(expect.any(Array));
  });
});
