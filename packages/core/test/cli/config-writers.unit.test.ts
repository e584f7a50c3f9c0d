import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { project } from "../config/project.js";
import { mlmcp } from "./command-line.js";

const root = dirname(createRequire(import.meta.url).resolve("@mlmcp/core/package.json"));
const built = existsSync(join(root, "dist/cli/bin.js"));

/** Settings that each is set by a command of its own. */
const settings = {
  "errorHandling.maxRetries": 5,
  "performance.nJobs": 2,
  "performance.enableCaching": false,
  "performance.enableParallel": false,
  "performance.enableMonitoring": false,
  "system.debug": true,
  "system.strict": true,
  "system.stopTimeout": "5s",
};
const rc = "# Ours.\nperformance: {}\n";
const all = {
  errorHandling: { maxRetries: 5 },
  performance: { nJobs: 2, enableCaching: false, enableParallel: false, enableMonitoring: false },
  system: { debug: true, strict: true, stopTimeout: "5s" },
};

function expectAll(cwd: string): void {
  const text = readFileSync(join(cwd, ".mlmcprc.yaml"), "utf8");
  expect(text).toMatch(/^# Ours\.\n/);
  expect(parse(text)).toEqual(all);
  expect(readdirSync(cwd).toSorted()).toEqual([".git", ".mlmcp", ".mlmcprc.yaml"]);
}

describe("`mlmcp config set` of several settings at once", () => {
  it("writes all of them", async () => {
    const cwd = project({ ".git/": "", ".mlmcprc.yaml": rc });
    const runs = await Promise.all(
      Object.entries(settings).map(([path, value]) => mlmcp(["config", "set", path, String(value)], { cwd })),
    );
    expect(runs.map(({ code, err }) => [code, err])).toEqual(runs.map(() => [0, ""]));
    expectAll(cwd);
  });

  it.skipIf(!built)("writes all of them from processes of their own", async () => {
    const cwd = project({ ".git/": "", ".mlmcprc.yaml": rc });
    const endings = await Promise.all(
      Object.entries(settings).map(async ([path, value]) => {
        const child = spawn(
          process.execPath,
          [join(root, "bin/mlmcp.js"), "config", "set", path, String(value)],
          {
            cwd,
            env: { PATH: process.env["PATH"], HOME: process.env["HOME"] },
          },
        );
        let err = "";
        child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
        const [code] = (await once(child, "close")) as [number | null];
        return [path, code, err];
      }),
    );
    expect(endings).toEqual(Object.keys(settings).map((path) => [path, 0, ""]));
    expectAll(cwd);
  });
});
