import { describe, expect, it } from "vitest";
import { runStudy } from "../../src/harness/study.js";
import { studies } from "../../src/studies/index.js";
import { beladyHits } from "../../src/studies/support/belady.js";

describe("the best policy there can be", () => {
  it("keeps what is asked for again soonest", () => {
    expect(beladyHits([1, 2, 3, 1, 2, 3], 2)).toBe(2);
    expect(beladyHits([1, 2, 1, 2], 2)).toBe(2);
    expect(beladyHits([1, 2, 3, 4], 2)).toBe(0);
    expect(beladyHits([1, 2, 3, 1, 4, 1, 5, 1], 1)).toBe(3);
  });
});

describe("the study of hit rates", () => {
  it("shows at least 60 % of a Zipf trace in a tenth of its keys, an LRU behind unless what is popular shifts, and the best possible ahead", async () => {
    const { columns, rows } = await runStudy((await studies["hit-rate"]()).default);
    expect(rows.length).toBeGreaterThan(3);
    for (const row of rows) {
      expect(row).toHaveLength(columns.length);
      const [, , lru, ours, best] = row.map(Number);
      // Frequencies are forgotten more slowly than an LRU forgets.
      expect(ours).toBeGreaterThan(row[0]!.includes("shifts") ? lru! - 5 : lru!);
      expect(ours).toBeLessThanOrEqual(best!);
    }
    for (const row of rows.filter(([name]) => name!.includes("10,000 keys"))) {
      expect(Number(row[3])).toBeGreaterThanOrEqual(60);
    }
  });
});
