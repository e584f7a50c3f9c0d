import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ModelCache, type ModelObserver, type ModelSettings } from "../../src/models/model-cache.js";
import type { GivenMetadata } from "../../src/models/model-info.js";
import { KeyRing } from "../../src/values/encryption.js";
import { temporaryDirectory } from "../temporary.js";

const quiet: ModelObserver = {
  saved: () => undefined,
  loaded: () => undefined,
  deleted: () => undefined,
  promoted: () => undefined,
};

function setUp(changes: Partial<ModelSettings> = {}, observer: ModelObserver = quiet) {
  const directory = changes.directory ?? join(temporaryDirectory(), "models");
  const settings: ModelSettings = { directory, retention: {}, compress: false, keys: undefined, ...changes };
  return { directory, settings, models: new ModelCache(async () => settings, observer) };
}

const artifact = (directory: string, name: string, version: string): string =>
  join(directory, "models", name, "versions", version, "artifact");

afterEach(() => void vi.useRealTimers());

describe("what was saved", () => {
  const bytes = randomBytes(3_000_000);

  it("comes back as it was given: a value with its types, bytes, a stream, a file", async () => {
    const { models } = setUp();
    const value = {
      weights: new Float64Array([1.5, -0]),
      trained: new Date(7),
      labels: new Map([[1n, "a"]]),
    };
    await models.saveModel("value", value);
    expect((await models.loadModel("value")).model).toEqual(value);

    await models.saveModel("bytes", bytes);
    const loaded = await models.loadModel<Buffer>("bytes");
    expect(Buffer.isBuffer(loaded.model) && loaded.model.equals(bytes)).toBe(true);

    await models.saveModel("stream", Readable.from([bytes.subarray(0, 10), bytes.subarray(10)]));
    expect((await buffer((await models.loadModel<Readable>("stream")).model)).equals(bytes)).toBe(true);

    const file = join(temporaryDirectory(), "model.onnx");
    writeFileSync(file, bytes);
    await models.saveModel("file", { file });
    expect((await models.loadModel("file", { as: "bytes" })).model.equals(bytes)).toBe(true);
  });

  it.each([
    ["compressed", { compress: true }],
    ["encrypted", { secrets: ["the first secret of the test"] as const }],
    ["both", { compress: true, secrets: ["the first secret of the test"] as const }],
  ])(
    "comes back where it is %s",
    async (_, { compress = false, secrets }: { compress?: boolean; secrets?: readonly [string] }) => {
      const keys = secrets && (await KeyRing.of(secrets));
      const { models, directory } = setUp({ compress, keys });
      const text = "the same words over and over, ".repeat(50_000);
      const { size } = await models.saveModel("text", Buffer.from(text));
      expect(size).toBe(text.length);
      expect((await models.loadModel<Buffer>("text")).model.toString()).toBe(text);
      const stored = readFileSync(artifact(directory, "text", "1"));
      if (secrets) expect(stored.includes("the same words")).toBe(false);
      if (compress) expect(stored.length).toBeLessThan(text.length / 10);
    },
  );

  it("is found with what is known of it", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 5_000 });
    const { models } = setUp();
    const given = { metrics: { auc: 0.91 }, features: ["age", "income"], author: { team: "risk" } };
    const saved = await models.saveModel("churn", Buffer.from("abc"), { metadata: given });
    expect(saved).toEqual({
      ...given,
      name: "churn",
      version: "1",
      created: new Date(5_000),
      size: 3,
      sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      kind: "bytes",
      stages: [],
    });
    expect((await models.loadModel("churn")).metadata).toEqual(saved);
    expect(await models.list()).toEqual([saved]);
  });

  it("does not follow what the owner changes afterwards", async () => {
    const { models } = setUp();
    const given = Buffer.from("abc");
    const metadata = { metrics: { auc: 0.5 } };
    const saving = models.saveModel("m", given, { metadata });
    given.fill(0);
    metadata.metrics.auc = 0;
    await saving;
    const loaded = await models.loadModel<Buffer>("m");
    expect(loaded.model.toString()).toBe("abc");
    expect(loaded.metadata.metrics).toEqual({ auc: 0.5 });
  });

  it("is for its owner's eyes only", async () => {
    const { models, directory } = setUp();
    await models.saveModel("m", Buffer.from("abc"));
    expect(statSync(directory).mode & 0o077).toBe(0);
    expect(statSync(artifact(directory, "m", "1")).mode & 0o077).toBe(0);
  });

  it("stands on the disk once, however many versions have the same bytes", async () => {
    const { models, directory } = setUp();
    for (const name of ["a", "b", "b"]) await models.saveModel(name, bytes);
    expect(readdirSync(join(directory, "blobs"))).toHaveLength(1);
    expect(statSync(artifact(directory, "b", "2")).ino).toBe(statSync(artifact(directory, "a", "1")).ino);
    await models.delete("a");
    expect((await models.loadModel<Buffer>("b:1")).model.equals(bytes)).toBe(true);
    await models.delete("b");
    expect(readdirSync(join(directory, "blobs"))).toEqual([]);
  });

  it("is told as it goes, with the whole where that is known", async () => {
    const { models } = setUp();
    const told: unknown[] = [];
    await models.saveModel("m", bytes, { onProgress: ({ bytes: done, total }) => told.push([done, total]) });
    expect(told.length).toBeGreaterThan(2);
    expect(told.at(-1)).toEqual([bytes.length, bytes.length]);
    const read: number[] = [];
    await models.loadModel("m", { onProgress: ({ bytes: done }) => read.push(done) });
    expect(read.at(-1)).toBe(bytes.length);
  });
});

describe("versions", () => {
  it("are counted up, or named", async () => {
    const { models } = setUp();
    for (const version of [undefined, undefined, "1.4.0-beta", 7, undefined]) {
      await models.saveModel("m", Buffer.from(String(version)), version === undefined ? {} : { version });
    }
    expect((await models.list("m")).map(({ version }) => version).sort()).toEqual([
      "1",
      "1.4.0-beta",
      "2",
      "7",
      "8",
    ]);
    expect((await models.loadModel<Buffer>("m:1.4.0-beta")).model.toString()).toBe("1.4.0-beta");
  });

  it("never change", async () => {
    const { models } = setUp();
    await models.saveModel("m", Buffer.from("old"), { version: 1 });
    await expect(models.saveModel("m", Buffer.from("new"), { version: 1 })).rejects.toMatchObject({
      code: "MLMCP_MODEL_EXISTS",
      message: expect.stringContaining("m:1 is there already"),
    });
    expect((await models.loadModel<Buffer>("m")).model.toString()).toBe("old");
  });

  it("are listed the latest first, and the latest one is loaded by name", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000 });
    const { models } = setUp();
    await models.saveModel("m", Buffer.from("b"), { version: "b" });
    vi.setSystemTime(2_000);
    await models.saveModel("m", Buffer.from("a"), { version: "a" });
    expect((await models.list("m")).map(({ version }) => version)).toEqual(["a", "b"]);
    expect((await models.loadModel("m")).metadata.version).toBe("a");
  });

  it("get numbers of their own where many are saved at the same time", async () => {
    const { models } = setUp();
    const saved = await Promise.all(
      Array.from({ length: 20 }, (_, index) => models.saveModel("m", Buffer.from(String(index % 3)))),
    );
    expect(saved.map(({ version }) => Number(version)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });
});

describe("stages", () => {
  it("name a version, at once for all who load it, and remember who stood there", async () => {
    const { models } = setUp();
    await models.saveModel("m", Buffer.from("one"));
    await models.saveModel("m", Buffer.from("two"));
    await models.promote("m@production", 1);
    expect((await models.loadModel<Buffer>("m@production")).model.toString()).toBe("one");
    expect((await models.promote("m@production")).stages).toEqual(["production"]);
    expect((await models.loadModel<Buffer>("m@production")).model.toString()).toBe("two");
    expect((await models.history("m@production")).map(({ version }) => version)).toEqual(["2", "1"]);
    expect((await models.list("m")).map(({ stages }) => stages)).toEqual([["production"], []]);
  });

  it("lose no promotion where several are made at the same time", async () => {
    const { models } = setUp();
    await models.saveModel("m", Buffer.from("one"));
    await Promise.all(Array.from({ length: 20 }, () => models.promote("m@canary")));
    expect(await models.history("m@canary")).toHaveLength(20);
  });

  it("keep their versions from being deleted, unless that is forced", async () => {
    const { models } = setUp();
    await models.saveModel("m", Buffer.from("one"));
    await models.promote("m@production");
    await expect(models.delete("m:1")).rejects.toMatchObject({ code: "MLMCP_MODEL_STAGED" });
    expect(await models.delete("m:1", { force: true })).toBe(1);
    await models.saveModel("m", Buffer.from("other"), { version: "2" });
    await expect(models.loadModel("m@production")).rejects.toMatchObject({
      code: "MLMCP_MODEL_UNKNOWN",
      message: expect.stringContaining("The version 1, which stood on production, has been deleted"),
    });
  });

  it.each([
    ["a name without one", "m", "names no stage"],
    ["a version", "m:1", 'names no stage. Give one: "m@production", and the version after it: 1.'],
  ])("are not %s", async (_, reference, message) => {
    const { models } = setUp();
    await models.saveModel("m", Buffer.from("one"));
    await expect(models.promote(reference)).rejects.toThrow(message);
  });
});

describe("retention", () => {
  it("goes by age and by count, and spares the latest version and those on a stage", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 0 });
    const deleted: string[] = [];
    const observer = { ...quiet, deleted: ({ version }: { version: string }) => void deleted.push(version) };
    const { models, settings } = setUp({ retention: { keep: 3 } }, observer);
    for (let version = 1; version <= 5; version++) {
      vi.setSystemTime(version * 1_000);
      await models.saveModel("m", Buffer.from(String(version)));
      if (version === 1) await models.promote("m@production");
    }
    expect((await models.list("m")).map(({ version }) => version)).toEqual(["5", "4", "3", "1"]);
    expect(deleted).toEqual(["2"]);
    (settings as { retention: object }).retention = { maxAge: 500 };
    vi.setSystemTime(60_000);
    expect(await models.prune()).toBe(2);
    expect((await models.list("m")).map(({ version }) => version)).toEqual(["5", "1"]);
  });
});

describe("a damaged artifact", () => {
  const content = "x".repeat(200_000);

  it.each([
    ["altered", (bytes: Buffer) => ((bytes[bytes.length >> 1]! ^= 1), bytes)],
    ["cut off", (bytes: Buffer) => bytes.subarray(0, -1)],
    ["longer", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from("!")])],
    ["empty", () => Buffer.alloc(0)],
  ])("that is %s is an error that names it", async (_, damage) => {
    for (const changes of [{}, { compress: true }, { keys: await KeyRing.of(["a secret of the test"]) }]) {
      const { models, directory } = setUp(changes);
      await models.saveModel("m", Buffer.from(content));
      const file = artifact(directory, "m", "1");
      writeFileSync(file, damage(readFileSync(file)));
      const error = { code: "MLMCP_MODEL_DAMAGED", message: expect.stringContaining("m:1") };
      await expect(models.loadModel("m")).rejects.toMatchObject(error);
      const { model } = await models.loadModel("m", { as: "stream" });
      await expect(buffer(model)).rejects.toMatchObject(error);
      const target = join(temporaryDirectory(), "out");
      await expect(models.exportModel("m", target)).rejects.toMatchObject(error);
      expect(existsSync(target)).toBe(false);
    }
  });

  it("that is missing, or of a key that is not known, is one too", async () => {
    const { models, directory, settings } = setUp({ keys: await KeyRing.of(["a secret of the test"]) });
    await models.saveModel("m", Buffer.from(content));
    (settings as { keys: unknown }).keys = await KeyRing.of(["another secret of the test"]);
    await expect(models.loadModel("m")).rejects.toMatchObject({ code: "MLMCP_MODEL_DAMAGED" });
    (settings as { keys: unknown }).keys = undefined;
    await expect(models.loadModel("m")).rejects.toThrow("`cache.encryptionKey` is not set");
    (settings as { keys: unknown }).keys = await KeyRing.of([
      "another secret of the test",
      "a secret of the test",
    ]);
    expect((await models.loadModel<Buffer>("m")).model.toString()).toBe(content);
    writeFileSync(join(directory, "models", "m", "versions", "1", "manifest.json"), "{");
    await expect(models.loadModel("m")).rejects.toMatchObject({ code: "MLMCP_MODEL_DAMAGED" });
  });

  it("of one model does not read as that of another, where it is encrypted", async () => {
    const { models, directory } = setUp({ keys: await KeyRing.of(["a secret of the test"]) });
    await models.saveModel("a", Buffer.from("same"));
    await models.saveModel("b", Buffer.from("same"));
    writeFileSync(artifact(directory, "a", "1"), readFileSync(artifact(directory, "b", "1")));
    await expect(models.loadModel("a")).rejects.toMatchObject({ code: "MLMCP_MODEL_DAMAGED" });
  });
});

describe("what cannot be done", () => {
  it.each([
    "../up",
    "a/b",
    "a\\b",
    "",
    ".",
    "..",
    ".hidden",
    "ends.",
    "a\0b",
    "x".repeat(101),
    "ä",
    7 as unknown as string,
  ])("%j is no name", async (name) => {
    const { models } = setUp();
    await expect(models.saveModel(name, Buffer.from(""))).rejects.toMatchObject({ code: "MLMCP_MODEL_NAME" });
  });

  it("tells what there is where something is not", async () => {
    const { models } = setUp();
    await expect(models.loadModel("m")).rejects.toThrow("There is no model m; there is none at all.");
    await models.saveModel("churn", Buffer.from(""));
    await expect(models.loadModel("chrun")).rejects.toThrow("There is no model chrun; there are churn.");
    await expect(models.loadModel("churn:2")).rejects.toThrow("Of churn there are the versions 1.");
    await expect(models.loadModel("churn@live")).rejects.toThrow("churn has no stages.");
    await models.promote("churn@canary");
    await expect(models.loadModel("churn@live")).rejects.toThrow("churn has the stages canary.");
    expect(await models.delete("nobody")).toBe(0);
    await expect(models.delete("churn@canary")).rejects.toThrow("is a stage");
  });

  it.each([
    [{ verson: 5 }, "verson: unknown key (did you mean version?)"],
    [{ metadata: { metrics: { auc: "high" } } }, "metadata.metrics.auc: expected a number"],
    [{ metadata: { features: "age" } }, "metadata.features: expected a list"],
    [{ version: {} }, "version: expected a text or a number"],
  ])("refuses the options %j, and keeps nothing", async (options, problem) => {
    const { models } = setUp();
    await expect(models.saveModel("m", 1, options as never)).rejects.toMatchObject({
      code: "MLMCP_CACHE_OPTIONS",
      message: `ModelCache.saveModel is given wrong options:\n  ${problem}`,
    });
    expect(await models.list()).toEqual([]);
    await expect(models.loadModel("m", { as: "byte" } as never)).rejects.toThrow(
      'expected one of "bytes", "stream"',
    );
    await expect(models.exportModel("m", "f", { overwite: true } as never)).rejects.toThrow(
      "did you mean overwrite?",
    );
  });

  it("refuses what cannot be kept, and leaves nothing of it", async () => {
    const { models, directory } = setUp();
    await expect(models.saveModel("m", { predict: () => 1 })).rejects.toMatchObject({
      code: "MLMCP_MODEL_ARTIFACT",
    });
    await expect(models.saveModel("m", { file: "/nowhere/at/all" })).rejects.toMatchObject({
      code: "MLMCP_MODEL_ARTIFACT",
    });
    for (const metadata of [{ version: "2" }, { at: new Date() }, { f: () => 1 }, { n: NaN }, { big: 1n }]) {
      await expect(models.saveModel("m", 1, { metadata: metadata as GivenMetadata })).rejects.toMatchObject({
        code: "MLMCP_MODEL_METADATA",
      });
    }
    const failing = Readable.from(
      (async function* () {
        yield Buffer.from("begun");
        throw new Error("the source failed");
      })(),
    );
    await expect(models.saveModel("m", failing)).rejects.toThrow("the source failed");
    expect(readdirSync(join(directory, "drafts"))).toEqual([]);
    expect(await models.list()).toEqual([]);
  });

  it("ends when its signal aborts, and leaves nothing", async () => {
    const { models, directory } = setUp();
    const controller = new AbortController();
    const endless = Readable.from(
      (async function* () {
        for (;;) yield randomBytes(100_000);
      })(),
    );
    const saving = models.saveModel("m", endless, {
      signal: controller.signal,
      onProgress: ({ bytes }) => void (bytes > 1_000_000 && controller.abort(new Error("enough"))),
    });
    await expect(saving).rejects.toThrow();
    expect(endless.destroyed).toBe(true);
    expect(readdirSync(join(directory, "drafts"))).toEqual([]);
  });

  it("says so where models cannot be kept, and tries again afterwards", async () => {
    const parent = temporaryDirectory();
    const directory = join(parent, "in-the-way", "models");
    writeFileSync(join(parent, "in-the-way"), "");
    const { models } = setUp({ directory });
    await expect(models.saveModel("m", 1)).rejects.toMatchObject({
      code: "MLMCP_MODEL_FILES",
      message: expect.stringContaining(directory),
    });
    const { rmSync } = await import("node:fs");
    rmSync(join(parent, "in-the-way"));
    await models.saveModel("m", 1);
    await models.ping();
  });
});

describe("an export", () => {
  it("is the bytes, and replaces nothing unless asked to", async () => {
    const { models } = setUp({ compress: true });
    await models.saveModel("m", Buffer.from("abc"));
    const file = join(temporaryDirectory(), "model.bin");
    await models.exportModel("m", file);
    expect(readFileSync(file, "utf8")).toBe("abc");
    await models.saveModel("m", Buffer.from("def"));
    await expect(models.exportModel("m", file)).rejects.toThrow("it is there already");
    await models.exportModel("m", file, { overwrite: true });
    expect(readFileSync(file, "utf8")).toBe("def");
    expect(readdirSync(join(file, ".."))).toEqual(["model.bin"]);
  });
});

it.skipIf(process.platform !== "linux")("a folder that cannot be made is said at once", async () => {
  const { models, settings } = setUp();
  await models.saveModel("m", 1);
  const error = {
    code: "MLMCP_MODEL_FILES",
    message: expect.stringContaining("the folder /proc/mlmcp cannot be made, since /proc takes no folders"),
  };
  await expect(models.exportModel("m", "/proc/mlmcp/a/m")).rejects.toMatchObject(error);
  (settings as { directory: string }).directory = "/proc/mlmcp/models";
  await expect(models.saveModel("m", 1)).rejects.toMatchObject(error);
});

describe("what dead processes left", () => {
  it("goes when models are next opened, once it is old", async () => {
    const { models, directory } = setUp();
    for (const [name, hours] of [
      ["old", 2],
      ["young", 0],
    ] as const) {
      const draft = join(directory, "drafts", name);
      await mkdir(draft, { recursive: true });
      writeFileSync(join(draft, "artifact"), "half");
      const at = Date.now() / 1000 - hours * 3600;
      for (const path of [join(draft, "artifact"), draft]) utimesSync(path, at, at);
    }
    await models.list();
    expect(readdirSync(join(directory, "drafts"))).toEqual(["young"]);
  });
});
