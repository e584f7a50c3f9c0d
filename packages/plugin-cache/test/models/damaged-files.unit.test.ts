import { rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { ModelCache } from "../../src/models/model-cache.js";
import { temporaryDirectory } from "../temporary.js";

const nobody = () => undefined;

function setUp() {
  const directory = join(temporaryDirectory(), "models");
  const models = new ModelCache(
    async () => ({ directory, retention: {}, compress: false, keys: undefined }),
    { saved: nobody, loaded: nobody, deleted: nobody, promoted: nobody },
  );
  const version = (number: string, name = "m"): string => join(directory, "models", name, "versions", number);
  const stage = (name: string): string => join(directory, "models", "m", "stages", name);
  return { directory, models, version, stage };
}

let warnings: string[];
beforeEach(() => {
  warnings = [];
  const spy = vi.spyOn(process, "emitWarning").mockImplementation((text) => void warnings.push(String(text)));
  onTestFinished(() => spy.mockRestore());
});

const damages: [string, (directory: string) => void][] = [
  ["is cut off", (directory) => writeFileSync(join(directory, "manifest.json"), '{ "format": 1, "na')],
  ["is null", (directory) => writeFileSync(join(directory, "manifest.json"), "null")],
  [
    "lacks what it should say",
    (directory) => writeFileSync(join(directory, "manifest.json"), '{"format":1}'),
  ],
  ["is missing", (directory) => rmSync(join(directory, "manifest.json"))],
];

describe.each(damages)("a version whose manifest %s", (_, damage) => {
  it("does not keep a model from being saved, listed and loaded", async () => {
    const { models, version } = setUp();
    for (const each of ["one", "two", "three"]) await models.saveModel("m", each);
    damage(version("3"));
    expect((await models.list("m")).map((each) => each.version)).toEqual(["2", "1"]);
    expect((await models.loadModel("m")).model).toBe("two");
    expect((await models.loadModel("m:1")).model).toBe("one");
    expect((await models.saveModel("m", "four")).version).toBe("4");
    expect((await models.stats()).versions).toBe(3);
  });

  it("can be deleted", async () => {
    const { models, version } = setUp();
    await models.saveModel("m", "one");
    await models.saveModel("m", "two");
    damage(version("2"));
    expect(await models.delete("m:2")).toBe(1);
    expect((await models.saveModel("m", "again")).version).toBe("2");
  });
});

it("names the file of a damaged manifest: in the error, and once in a warning where it is passed over", async () => {
  const { models, version } = setUp();
  await models.saveModel("m", "one");
  await models.saveModel("m", "two");
  const file = join(version("2"), "manifest.json");
  writeFileSync(file, "{");
  await expect(models.loadModel("m:2")).rejects.toMatchObject({
    code: "MLMCP_MODEL_DAMAGED",
    message: expect.stringMatching(/manifest\.json is no manifest.*Delete this version/),
    context: { file },
  });
  await models.list();
  await models.list();
  expect(warnings).toEqual([expect.stringContaining(file)]);
});

describe("a version number", () => {
  it("that is the last there can be leads to an error, not to a search without end", async () => {
    const { models } = setUp();
    await models.saveModel("m", "one", { version: String(Number.MAX_SAFE_INTEGER) });
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(models.saveModel("m", "two")).rejects.toMatchObject({
        code: "MLMCP_MODEL_NAME",
        message: expect.stringContaining("Give a `version`"),
      });
    expect((await models.saveModel("m", "two", { version: "b" })).version).toBe("b");
  });

  it.each(["1.0", "1e3", "007", "9007199254740993", "99999999999999999999"])(
    "as odd as %s does not keep others from being found",
    async (odd) => {
      const { models } = setUp();
      await models.saveModel("m", "odd", { version: odd });
      const versions = [await models.saveModel("m", "a"), await models.saveModel("m", "b")];
      const [a, b] = versions.map((saved) => Number(saved.version));
      expect(b).toBe(a! + 1);
    },
  );
});

describe("a stage", () => {
  it("is not disturbed by a file that is no promotion", async () => {
    const { models, stage } = setUp();
    await models.saveModel("m", "one");
    await models.promote("m@live", "1");
    writeFileSync(join(stage("live"), ".DS_Store"), "");
    await models.saveModel("m", "two");
    await models.promote("m@live", "2");
    await models.promote("m@live", "1");
    expect((await models.history("m@live")).map(({ version }) => version)).toEqual(["1", "2", "1"]);
  });

  it("whose promotion is damaged fails alone, with the file, and lets nothing be deleted", async () => {
    const { models, stage } = setUp();
    await models.saveModel("m", "one");
    await models.promote("m@live", "1");
    await mkdir(stage("live"), { recursive: true });
    const file = join(stage("live"), "1.json");
    writeFileSync(file, "{");
    expect((await models.loadModel("m:1")).model).toBe("one");
    expect((await models.list()).length).toBe(1);
    const expected = { code: "MLMCP_MODEL_DAMAGED", message: expect.stringContaining(file) };
    await expect(models.loadModel("m@live")).rejects.toMatchObject(expected);
    await expect(models.delete("m:1")).rejects.toMatchObject(expected);
    expect(await models.delete("m:1", { force: true })).toBe(1);
  });
});
