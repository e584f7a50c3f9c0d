import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelCache } from "../../src/models/model-cache.js";
import { temporaryDirectory } from "../temporary.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
// Below the core, whose sources are in the bundle, so that its dependencies are found.
const bundle = here(`../../../core/node_modules/.cache/models-${process.pid}`);

beforeAll(() =>
  build({
    entryPoints: [here("models.child.ts")],
    outdir: bundle,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
  }),
);
afterAll(() => rmSync(bundle, { recursive: true, force: true }));

const script = join(bundle, "models.child.mjs");

async function child(...args: (string | number)[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args.map(String)]);
  return JSON.parse(stdout);
}

const open = (directory: string) =>
  new ModelCache(async () => ({ directory, retention: {}, compress: false, keys: undefined }), {
    saved: () => undefined,
    loaded: () => undefined,
    deleted: () => undefined,
    promoted: () => undefined,
  });

describe("several processes on one directory of models", () => {
  it("give each version to one of them, and every version is whole", async () => {
    const directory = join(temporaryDirectory(), "models");
    const saved = (await Promise.all([1, 2, 3].map(() => child("save", directory, 15)))) as string[][];
    const versions = saved.flat().map(Number);
    expect(versions.sort((one, other) => one - other)).toEqual(
      Array.from({ length: 45 }, (_, index) => index + 1),
    );
    const models = open(directory);
    for (const version of versions) {
      const { model } = await models.loadModel<Buffer>(`shared:${version}`);
      expect(model.toString()).toMatch(/^model [0-4]$/);
    }
  });

  it("leave every version that was acknowledged whole, and none that is half, when one is killed", async () => {
    const directory = join(temporaryDirectory(), "models");
    const acknowledged: string[] = [];
    for (let round = 0; round < 8; round++) {
      const writer = spawn(process.execPath, [script, "forever", directory], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      writer.stdout.on("data", (text: Buffer) => (output += text.toString()));
      await once(writer.stdout, "data");
      // Wherever it is in its work by then.
      await new Promise((resolve) => setTimeout(resolve, 3 + 7 * round));
      writer.kill("SIGKILL");
      await once(writer, "close");
      acknowledged.push(...output.split("\n").slice(0, -1));
    }
    const models = open(directory);
    const known = (await models.list("shared")).map(({ version }) => version);
    expect(known).toEqual(expect.arrayContaining(acknowledged));
    for (const version of known) {
      expect((await models.loadModel<Buffer>(`shared:${version}`)).model).toHaveLength(200_000);
    }
    await models.saveModel("shared", Buffer.from("goes on"));
  });

  it("save and load what is larger than their memory, in little of it", async () => {
    const directory = join(temporaryDirectory(), "models");
    const { size, read, grown } = (await child("large", directory, 300)) as Record<string, number>;
    expect(size).toBe(300 * 2 ** 20);
    expect(read).toBe(size);
    expect(grown).toBeLessThan(150 * 2 ** 20);
  });
});
