import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createTestKernel } from "@mlmcp/core/testing";
import { cachePlugin, ModelCache } from "@mlmcp/plugin-cache";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../temporary.js";

type Kernel = Awaited<ReturnType<typeof createTestKernel>>;

let kernel: Kernel;
let directory: string;

beforeEach(async () => {
  directory = temporaryDirectory();
  kernel = await createTestKernel({
    plugins: [cachePlugin],
    config: { cache: { store: "memory:", models: { directory: join(directory, "models"), keep: 2 } } },
  });
});
afterEach(() => kernel.stop());

function run(name: string, args: string[] = [], options: Record<string, unknown> = {}): unknown {
  const command = cachePlugin.commands!.find((each) => each.name === `cache models ${name}`)!;
  return command.run({ kernel: kernel as never, args, options });
}

describe("the commands for models", () => {
  it("list, promote, show, export and delete what was saved", async () => {
    const models = kernel.resolve(ModelCache);
    await models.saveModel("churn", Buffer.from("one"), { metadata: { metrics: { auc: 0.9 } } });
    await models.saveModel("churn", Buffer.from("two"));
    expect(await run("promote", ["churn@production", "1"])).toBe("churn:1 stands on production.");
    expect(await run("list")).toEqual([
      expect.objectContaining({
        name: "churn",
        version: "2",
        stages: "",
        bytes: 3,
        kind: "bytes",
        metrics: "",
      }),
      expect.objectContaining({ version: "1", stages: "production", metrics: "auc 0.9" }),
    ]);
    expect(await run("show", ["churn@production"], { verify: true })).toMatchObject({
      version: "1",
      metrics: { auc: 0.9 },
      verified: true,
    });
    const file = join(directory, "not", "there", "out.bin");
    expect(await run("export", ["churn", file])).toBe(`Wrote churn:2, 3 bytes, to ${file}.`);
    expect(readFileSync(file, "utf8")).toBe("two");
    await expect(run("export", ["churn", file])).rejects.toThrow("it is there already");
    expect(await run("export", ["churn:1", file], { overwrite: true })).toContain("churn:1");
    await expect(run("delete", ["churn:1"])).rejects.toMatchObject({ code: "MLMCP_MODEL_STAGED" });
    expect(await run("delete", ["churn:1"], { staged: true })).toBe("Deleted 1 version of churn:1.");
    expect(await run("delete", ["churn"])).toBe("Deleted 1 version of churn.");
    expect(await run("list")).toEqual([]);
  });

  it("say what is wrong with what they are given", async () => {
    await kernel.resolve(ModelCache).saveModel("churn", Buffer.from("one"));
    for (const name of ["show", "list", "delete"]) {
      await expect(run(name, ["chrun"])).rejects.toMatchObject({
        code: "MLMCP_MODEL_UNKNOWN",
        message: expect.stringContaining("churn"),
      });
    }
    await expect(run("delete", ["churn:7"])).rejects.toMatchObject({ code: "MLMCP_MODEL_UNKNOWN" });
    await expect(run("export", ["churn", "/dev/null/x"])).rejects.toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(".tmp") }),
    );
    await expect(run("show", ["../up"])).rejects.toMatchObject({ code: "MLMCP_MODEL_NAME" });
    await expect(run("promote", ["churn"])).rejects.toMatchObject({ code: "MLMCP_MODEL_NAME" });
  });
});

describe("models in a kernel", () => {
  it("are kept where and as long as the configuration says, and their events are told", async () => {
    const told: unknown[] = [];
    const { onEvent } = await import("@mlmcp/core");
    const ends = (["model:saved", "model:loaded", "model:deleted", "model:promoted"] as const).map((name) =>
      onEvent(name, (event) => told.push([name, event.version])),
    );
    const models = kernel.resolve(ModelCache);
    for (const text of ["one", "two", "three"]) await models.saveModel("m", Buffer.from(text));
    await models.promote("m@live");
    await models.loadModel("m@live");
    for (const end of ends) end();
    expect(told).toEqual([
      ["model:saved", "1"],
      ["model:saved", "2"],
      ["model:deleted", "1"],
      ["model:saved", "3"],
      ["model:promoted", "3"],
      ["model:loaded", "3"],
    ]);
    expect(await kernel.health()).toMatchObject({ status: "up" });
  });

  it("are encrypted with the key of the cache", async () => {
    const secret = "correct horse battery staple";
    const encrypted = await createTestKernel({
      plugins: [cachePlugin],
      config: {
        cache: { store: "memory:", encryptionKey: secret, models: { directory: join(directory, "e") } },
      },
    });
    await encrypted.resolve(ModelCache).saveModel("m", Buffer.from("plain words"));
    const file = join(directory, "e", "models", "m", "versions", "1", "artifact");
    expect(readFileSync(file, "latin1")).not.toContain("plain words");
    expect((await encrypted.resolve(ModelCache).loadModel<Buffer>("m")).model.toString()).toBe("plain words");
    await encrypted.stop();
  });
});
