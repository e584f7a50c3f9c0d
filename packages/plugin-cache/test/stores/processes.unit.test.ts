import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../../src/stores/open-store.js";
import { prepareFile } from "../../src/stores/sqlite-file.js";
import { temporaryDirectory } from "../temporary.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
// Below the package, so that its dependencies are found.
const bundle = here(`../../node_modules/.cache/load-${process.pid}`);

beforeAll(() =>
  build({
    entryPoints: [here("load.child.ts")],
    outdir: bundle,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    packages: "external",
    format: "esm",
    platform: "node",
  }),
);
afterAll(() => rmSync(bundle, { recursive: true, force: true }));

interface Report {
  readonly acknowledged: string[];
  readonly wrong: string[];
  readonly slowestGet: number;
  readonly slowestTurn: number;
}

async function child(...args: (string | number)[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(bundle, "load.child.mjs"),
    ...args.map(String),
  ]);
  return stdout;
}

describe("several processes on one SQLite file", () => {
  it("lose no acknowledged write and read nothing wrong while another one holds the lock", async () => {
    const file = join(temporaryDirectory(), "cache.db");
    await prepareFile(file);
    const [first, second] = (
      await Promise.all([
        child("load", file, "a", 400),
        child("load", file, "b", 400),
        child("hold", file, 2, 1_000),
      ])
    )
      .slice(0, 2)
      .map((output) => JSON.parse(output) as Report) as [Report, Report];
    const store = (await openStore(`sqlite://${file}`, "/", () => undefined))!;
    try {
      for (const { acknowledged, wrong } of [first, second]) {
        expect(acknowledged.length).toBe(400);
        expect(wrong).toEqual([]);
        for (const key of acknowledged) {
          expect(Buffer.from((await store.get(key))?.bytes ?? []).toString()).toBe(`last of ${key}`);
        }
      }
      expect(await store.count()).toEqual(
        new Map([
          ["a", 400],
          ["b", 400],
        ]),
      );
    } finally {
      await store.close();
    }
    // Far below the time that the lock is held: nobody waited for it on the event loop or to read.
    for (const { slowestGet, slowestTurn } of [first, second]) {
      expect(slowestTurn).toBeLessThan(800);
      expect(slowestGet).toBeLessThan(800);
    }
  }, 60_000);
});
