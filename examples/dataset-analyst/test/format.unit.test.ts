import { describe, expect, it } from "vitest";
import { formatCount, formatDuration, formatMegabytes, formatTable } from "../src/format.js";

describe("formats", () => {
  it("writes numbers with their units", () => {
    expect([formatCount(1_234_567), formatMegabytes(13_493_022)]).toEqual(["1,234,567", "13 MB"]);
    expect([0.04, 9.94, 10, 999.4, 1000, 61_234].map(formatDuration)).toEqual([
      "0.0 ms",
      "9.9 ms",
      "10 ms",
      "999 ms",
      "1.0 s",
      "61.2 s",
    ]);
  });

  it("lines up texts on the left and numbers on the right", () => {
    expect(
      formatTable(
        ["name", "n"],
        [
          ["a", "1"],
          ["long name", "1,000"],
        ],
      ),
    ).toBe(["name           n", "---------  -----", "a              1", "long name  1,000"].join("\n"));
  });
});
