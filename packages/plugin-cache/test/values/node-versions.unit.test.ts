import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { describe, expect, it, type TestContext } from "vitest";
import { createEntryCodec } from "./awaited.js";
import { UnreadableError } from "../../src/values/marks.js";
import { copyOf } from "../../src/values/snapshot.js";
import { temporaryDirectory } from "../temporary.js";
import { entryOf, samples, shown } from "./node-versions.samples.js";

const run = promisify(execFile);
const codec = createEntryCodec({ compressOver: 100 });

/** The binary of another version, out of the registry; the test is skipped where that cannot be reached. */
async function nodeOf(major: number, context: TestContext): Promise<string> {
  const ask = ["-y", "-p", `node@${major}`, "node", "-p", "process.execPath"];
  const { stdout } = await run("npx", ask, { timeout: 50_000 }).catch(() => ({ stdout: "" }));
  const path = stdout.trim();
  context.skip(path === "", `node@${major} cannot be had here`);
  return path;
}

/** The codec of these sources in one file, for a process that runs no TypeScript. */
async function bundle(directory: string): Promise<string> {
  const outfile = join(directory, "child.mjs");
  const core = fileURLToPath(new URL("../../../core/src/errors/index.ts", import.meta.url));
  await build({
    entryPoints: [fileURLToPath(new URL("./node-versions.child.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    alias: { "@mlmcp/core": core },
    external: ["apache-arrow"],
    logLevel: "error",
  });
  return outfile;
}

describe.each([22, 24])("an entry and Node.js %i", (major) => {
  it("is read as it was or not at all, whichever side wrote it", async (context) => {
    const node = await nodeOf(major, context);
    const directory = temporaryDirectory();
    const ours = join(directory, "ours");
    mkdirSync(ours);
    for (const [name, value] of Object.entries(samples()))
      writeFileSync(join(ours, name), await codec.seal(name, entryOf(value)));
    const { stdout } = await run(node, [await bundle(directory), ours]);
    const { version, read, written } = JSON.parse(stdout) as {
      version: string;
      read: Record<string, string>;
      written: Record<string, string>;
    };
    expect(version).toMatch(`v${major}.`);
    const expected = Object.fromEntries(
      Object.entries(samples()).map(([name, value]) => [name, shown(value)]),
    );
    expect(read).toEqual(expected);

    for (const [name, bytes] of Object.entries(written)) {
      const opening = codec.open(name, Buffer.from(bytes, "base64"));
      if (name in expected) expect(shown(copyOf((await opening).snapshot))).toBe(expected[name]);
      // Types and syntax that this version does not have.
      else await expect(opening).rejects.toThrow(UnreadableError);
    }
    expect(Object.keys(written)).toEqual(
      expect.arrayContaining([...Object.keys(expected), ...(major >= 24 ? ["half floats"] : [])]),
    );
  });
});
