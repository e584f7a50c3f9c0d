import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";

const root = dirname(createRequire(import.meta.url).resolve("@mlmcp/core/package.json"));
const built = existsSync(join(root, "dist/cli/bin.js"));

/** The command as it is installed; needs the built package. */
describe.skipIf(!built)("the installed command", () => {
  const mlmcp = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, "bin/mlmcp.js"), ...args], {
      cwd: project({ ".git/": "" }),
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"] },
    });

  it("prints help and its version", () => {
    expect(mlmcp("--help")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("Usage: mlmcp"),
      stderr: "",
    });
    expect(mlmcp("--version").stdout).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("prints a configuration, and ends", () => {
    const { status, stdout, stderr } = mlmcp("config", "show", "--json");
    expect([status, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({
      file: null,
      environment: "development",
      values: { errorHandling: { maxRetries: 3 } },
    });
  });

  it("says how to name the application where no operation is known", () => {
    const { status, stdout, stderr } = mlmcp("operations");
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("`--app ./dist/app.js`");
  });

  it.each([
    ["app.ts", "class App { @(() => undefined) method() {} }\n", {}],
    ["app.mjs", 'import "./users.ts";\n', {}],
    ["app.js", 'import "./users.ts";\n', { "package.json": '{ "type": "module" }' }],
  ])(
    "says what to do where the application is TypeScript that Node does not read: %s",
    (name, source, others) => {
      const files = {
        ".git/": "",
        [name]: source,
        "users.ts": "class App { @(() => undefined) method() {} }\n",
        ...others,
      };
      const { status, stderr } = spawnSync(
        process.execPath,
        [join(root, "bin/mlmcp.js"), "operations", "--app", name],
        { cwd: project(files), encoding: "utf8", env: { PATH: process.env["PATH"] } },
      );
      expect(status).toBe(1);
      expect(stderr).toContain(
        'Build it and name the output, such as "./dist/app.js"; or let Node read TypeScript: NODE_OPTIONS="--import tsx"',
      );
      expect(stderr).not.toContain("does not start it");
    },
  );

  it("exits with 2 for a command that does not exist", () => {
    expect(mlmcp("oprations")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("(Did you mean operations?)"),
    });
  });
});
