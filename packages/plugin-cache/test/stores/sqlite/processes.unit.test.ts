import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../temporary.js";
import { freshPath } from "./opening.js";
import { birthTrial, killTrial, loadTrial, useProcesses } from "./trials.js";

useProcesses();

describe("several processes on one SQLite file", () => {
  it("lose no acknowledged write and read nothing wrong while another one holds the lock", async () => {
    const trial = { processes: 8, ms: 4_000, holds: 2, holdMs: 1_000 };
    const { getP99, longestHold, controlHold } = await loadTrial(freshPath(), trial);
    // Far below the time that the lock is held: nobody waited for it on the event loop or to read.
    expect(longestHold).toBeLessThan(100 + controlHold);
    expect(getP99).toBeLessThan(250);
  }, 120_000);

  it("find every new file complete, whoever of them makes it", async () => {
    expect(await birthTrial(temporaryDirectory(), 30, 8)).toBe(30);
  }, 120_000);

  it("leave no wrong value and no unusable file where they are killed while they write", async () => {
    expect(await killTrial(join(temporaryDirectory(), "cache.db"), 20)).toBeGreaterThan(100);
  }, 120_000);
});
