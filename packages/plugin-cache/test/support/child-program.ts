import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build, type BuildOptions } from "esbuild";
import { afterAll, beforeAll } from "vitest";

const sources = {
  "@mlmcp/core": "../../../core/src/index.ts",
  "@mlmcp/core/testing": "../../../core/src/testing/index.ts",
  "@mlmcp/plugin-cache": "../../src/index.ts",
  "@mlmcp/plugin-cache/sqlite": "../../src/sqlite.ts",
  "@mlmcp/plugin-monitor": "../../../plugin-monitor/src/index.ts",
};

/** Compiles programs to `.mjs`, with the sources of the packages in them, so that these need not be built first. */
export async function compile(programs: Pick<BuildOptions, "entryPoints" | "outdir" | "tsconfigRaw">) {
  const paths = Object.entries(sources).map(([name, path]) => [
    name,
    fileURLToPath(new URL(path, import.meta.url)),
  ]);
  await build({
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    external: ["@keyv/*", "apache-arrow", "keyv", "pg", "sqlite3"],
    banner: {
      js: `import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);`,
    },
    logLevel: "error",
    alias: Object.fromEntries(paths) as Record<string, string>,
    format: "esm",
    platform: "node",
    target: "es2022",
    ...programs,
  });
}

/**
 * Compiles a program before the tests of a file, and removes it afterwards.
 *
 * @returns what runs it in a process of its own, and answers what it prints as JSON
 */
export function useProgram(source: URL): <Report>(...args: readonly (string | number)[]) => Promise<Report> {
  const name = basename(source.pathname, ".ts");
  // Below the package, so that its dependencies are found.
  const folder = fileURLToPath(new URL(`../../node_modules/.cache/${name}-${process.pid}`, import.meta.url));
  beforeAll(() => compile({ entryPoints: [fileURLToPath(source)], outdir: folder }));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return async <Report>(...args: readonly (string | number)[]) => {
    const program = [join(folder, `${name}.mjs`), ...args.map(String)];
    const { stdout } = await promisify(execFile)(process.execPath, program, { maxBuffer: 1024 ** 3 });
    return JSON.parse(stdout) as Report;
  };
}
