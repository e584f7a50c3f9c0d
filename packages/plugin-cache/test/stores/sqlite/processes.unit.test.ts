import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../temporary.js";
import { freshPath } from "./opening.js";
import { birthTrial, killTrial, loadTrial, useProcesses } from "./trials.js";

useProcesses();

describe("several processes on one SQLite file", () => {
  it("lose no acknowledged write and read nothing wrong while another one holds the lock", async () => {
    const trial = { processes: 8, ms: 4_000, holdMs: 1_000, pauseMs: 500 };
    const { getsWhileHeld, longestHold, controlHold } = await loadTrial(freshPath(), trial);
    // Below the time that the lock is held: nobody waited for it on the event loop or to read.
    expect(longestHold).toBeLessThan(trial.holdMs / 4 + controlHold);
    expect(getsWhileHeld).toBeGreaterThan(0);
  });

  it("find every new file complete, whoever of them makes it", async () => {
    expect(await birthTrial(temporaryDirectory(), 30, 8)).toBe(30);
  });

  it("leave no wrong value and no unusable file where they are killed while they write", async () => {
    expect(await killTrial(join(temporaryDirectory(), "cache.db"), 20)).toBeGreaterThan(100);
  });
});
