import { execFile } from "node:child_process";
import { rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../temporary.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
// Below the package, so that its dependencies are found.
const bundle = here(`../../node_modules/.cache/repeated-analysis-${process.pid}`);

beforeAll(() =>
  build({
    entryPoints: [here("repeated-analysis.child.ts")],
    outdir: bundle,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    // The workspace's packages are their sources; what is native or optional stays outside.
    external: ["sqlite3", "@keyv/sqlite", "apache-arrow", "typescript"],
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "error",
  }),
);
afterAll(() => rmSync(bundle, { recursive: true, force: true }));

interface Life {
  readonly ran: number;
  /** Files that were opened for reading. */
  readonly opened: number;
  readonly total: number;
  readonly ms: number;
}

async function live(store: string, path: string): Promise<Life> {
  const child = [join(bundle, "repeated-analysis.child.mjs"), store, path];
  const { stdout } = await promisify(execFile)(process.execPath, child);
  return JSON.parse(stdout) as Life;
}

describe("an analysis of a large file, by its content", () => {
  it("is found by a new process that neither runs it nor reads the file", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "data.bin");
    const bytes = 8 * 2 ** 20;
    const write = (fill: number): void => {
      writeFileSync(path, Buffer.alloc(bytes, fill));
      utimesSync(path, new Date("2020-01-01"), new Date("2020-01-01"));
    };
    const store = `sqlite://${join(directory, "cache.db")}`;
    write(1);
    // For the digest; the method reads by other means.
    expect(await live(store, path)).toMatchObject({ ran: 1, opened: 1, total: 3 * bytes });
    expect(await live(store, path)).toMatchObject({ ran: 0, opened: 0, total: 3 * bytes });
    write(2);
    expect(await live(store, path)).toMatchObject({ ran: 1, opened: 1 });
    write(1);
    expect(await live(store, path)).toMatchObject({ ran: 0, opened: 1 });
  });
});
