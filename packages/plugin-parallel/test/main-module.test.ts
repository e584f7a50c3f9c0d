import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileBundle, compileFixtures, type Compiled } from "./support/compiled.js";

const run = promisify(execFile);

let compiled: Compiled;
let bundle: Compiled;
beforeAll(async () => {
  compiled = await compileFixtures(["apps/single", "apps/launcher", "apps/started", "apps/hungry"]);
  bundle = await compileBundle("apps/single");
});
afterAll(() => {
  compiled.remove();
  bundle.remove();
});

/** The lines that an application prints. It fails the test where the process does not end by itself. */
async function linesOf(
  { file, workerFile }: Compiled,
  app: string,
  mode: string,
  flags: readonly string[] = [],
): Promise<string[]> {
  const env = { ...process.env, ...(workerFile && { TEST_WORKER_FILE: workerFile }) };
  const { stdout } = await run(process.execPath, [...flags, file(app), mode], { env, timeout: 150_000 });
  return stdout.trim().split("\n");
}

describe("an application whose main module defines the class", () => {
  it("is refused at the first call, before anything runs twice", async () => {
    expect(await linesOf(compiled, "apps/single", "unguarded")).toEqual([
      "main runs",
      "MLMCP_PARALLEL_MAIN",
      "MLMCP_PARALLEL_MAIN",
      "workers: 0",
    ]);
  });

  it("works where isWorker() guards it, found from where its decorator stands, and ends by itself", async () => {
    expect(await linesOf(compiled, "apps/single", "guarded")).toEqual([
      "main runs",
      "hello Ada from a worker",
      "hello Grace from a worker",
      "workers: 1",
    ]);
  });

  it("works as a bundle with its own copy of the core", async () => {
    expect(await linesOf(bundle, "apps/single", "guarded")).toEqual([
      "main runs",
      "hello Ada from a worker",
      "hello Grace from a worker",
      "workers: 1",
    ]);
  });
});

describe("an application that runs when the module of the class is imported", () => {
  it("is refused its kernel in the worker, once, and the module from then on", async () => {
    const lines = await linesOf(compiled, "apps/launcher", "awaited");
    expect(lines.filter((line) => line === "main runs")).toHaveLength(2);
    expect(lines).toContain("last: MLMCP_PARALLEL_MAIN");
    expect(lines).toContain("started: 1");
  });

  it("is found out where it exits instead", async () => {
    const lines = await linesOf(compiled, "apps/launcher", "exits");
    expect(lines.filter((line) => line === "main runs")).toHaveLength(2);
    expect(lines).toContain("last: MLMCP_PARALLEL_MAIN");
    expect(lines).toContain("started: 1");
  });

  it("is found out where nobody awaits it", async () => {
    const lines = await linesOf(compiled, "apps/launcher", "floating");
    expect(lines).toContain("last: MLMCP_PARALLEL_MAIN");
    expect(lines.filter((line) => line === "main runs").length).toBeLessThanOrEqual(3);
  });
});

describe("an application whose worker runs out of memory", () => {
  it("goes on, and the call is told", async () => {
    const lines = await linesOf(compiled, "apps/hungry", "", ["--max-old-space-size=100"]);
    expect(lines).toEqual(["ResourceExhaustedError MLMCP_WORKER_LOST", "alive"]);
  });
});
