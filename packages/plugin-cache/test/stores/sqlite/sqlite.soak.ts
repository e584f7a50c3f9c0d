import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../temporary.js";
import { freshPath } from "./opening.js";
import { birthTrial, killTrial, loadTrial, useProcesses } from "./trials.js";

useProcesses();

describe("the SQLite store at length", () => {
  it("serves 8 processes for 60 seconds while another one holds the lock for 5 seconds at a time", async () => {
    const summary = await loadTrial(freshPath(), { processes: 8, ms: 60_000, holdMs: 5_000, pauseMs: 5_000 });
    console.log(summary);
    expect(summary.longestHold).toBeLessThan(50 + summary.controlHold);
    expect(summary.getP99).toBeLessThan(50);
  }, 600_000);

  it("finds 200 new files complete that 8 processes open at once", async () => {
    expect(await birthTrial(temporaryDirectory(), 200, 8)).toBe(200);
  }, 600_000);

  it("survives 200 kills in the middle of writes", async () => {
    const sets = await killTrial(freshPath(), 200, 3);
    console.log({ sets });
    expect(sets).toBeGreaterThan(10_000);
  }, 1_200_000);
});
