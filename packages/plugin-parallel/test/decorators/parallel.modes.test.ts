import { createTestKernel } from "@mlmcp/core/testing";
import { parallelPlugin } from "@mlmcp/plugin-parallel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Plain } from "../fixtures/plain.js";
import { Work } from "../fixtures/work.js";
import { compileFixtures, type Compiled } from "../support/compiled.js";

// This file itself runs under both kinds of decorators; the workers' modules are compiled with either.
describe.each(["legacy", "standard"] as const)("@parallel with %s decorators in the worker", (decorators) => {
  let compiled: Compiled;
  beforeAll(async () => {
    compiled = await compileFixtures(["work", "plain"], { decorators });
  });
  afterAll(() => compiled.remove());

  const start = () =>
    createTestKernel({
      plugins: [parallelPlugin],
      config: {
        parallel: { workers: 1, ...(compiled.workerFile && { workerFile: compiled.workerFile }) },
        operations: {
          "Work.*": { parallel: { module: compiled.url("work") } },
          "Plain.*": { parallel: { module: compiled.url("plain") } },
        },
      },
    });

  it("runs methods of services, nested ones, statics and maps", async () => {
    await using kernel = await start();
    const work = kernel.resolve(Work);
    expect(await work.triple(2)).toBe(6);
    expect(await work.nested()).toMatchObject({ attempts: 3 });
    expect(await work.squares([1, 2, 3], 1)).toEqual([2, 5, 10]);
    expect(await Work.origin()).toEqual({ isWorker: true, name: "Work" });
  });

  it("runs a method of a class that nothing else decorates", async () => {
    await using kernel = await start();
    expect(await kernel.resolve(Plain).where()).toEqual({ isWorker: true, name: "Plain" });
  });
});
