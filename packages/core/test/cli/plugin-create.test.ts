import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";

const require = createRequire(import.meta.url);
const packageOf = (name: string) => dirname(require.resolve(`${name}/package.json`));
const core = packageOf("@mlmcp/core");
const built = existsSync(join(core, "dist/cli/bin.js"));

/** What `mlmcp plugin create` made, with its dependencies linked; needs the built package. */
function created(name: string, directory: string): string {
  const cwd = project({ ".git/": "" });
  const made = spawnSync(process.execPath, [join(core, "bin/mlmcp.js"), "plugin", "create", name], {
    cwd,
    encoding: "utf8",
  });
  expect([made.status, made.stderr]).toEqual([0, ""]);
  for (const dependency of ["@mlmcp/core", "@types/node", "typescript", "vitest"]) {
    const link = join(cwd, directory, "node_modules", dependency);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(packageOf(dependency), link);
  }
  return join(cwd, directory);
}

describe.skipIf(!built).each([
  ["@acme/plugin-slow-calls", "plugin-slow-calls"],
  ["mlmcp-plugin-audit", "mlmcp-plugin-audit"],
])("the plugin %s, as it was created,", (name, directory) => {
  it("compiles, keeps the contracts, passes its tests, and can be loaded", () => {
    const cwd = created(name, directory);
    const run = (...args: string[]) => {
      // Not this run's own settings of the test runner.
      const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], NO_COLOR: "1" };
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8", env });
      return { status, output: stdout + stderr };
    };
    const tsc = join(packageOf("typescript"), "bin/tsc");
    expect(run(tsc)).toEqual({ status: 0, output: "" });
    expect(run(tsc, "-p", "tsconfig.build.json")).toEqual({ status: 0, output: "" });
    const tests = run(join(packageOf("vitest"), "vitest.mjs"), "run");
    expect(tests).toEqual({ status: 0, output: expect.stringMatching(/Tests +7 passed/) });

    const app = project({
      ".git/": "",
      ".mlmcprc.json": JSON.stringify({ plugins: [join(cwd, "dist/index.js")] }),
    });
    const info = run(join(core, "bin/mlmcp.js"), "plugins", "info", name, "--cwd", app, "--json");
    expect(JSON.parse(info.output)).toMatchObject({ name, version: "0.1.0" });
  });
});
