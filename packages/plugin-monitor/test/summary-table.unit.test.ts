import { describe, expect, it } from "vitest";
import type { OperationSummary } from "../src/summary.js";
import { duration, tableOf } from "../src/summary-table.js";

const row = (summary: Partial<OperationSummary>): OperationSummary => ({
  operation: "m",
  calls: 0,
  errors: 0,
  cached: 0,
  retried: 0,
  degraded: 0,
  inFlight: 0,
  p50: undefined,
  p95: undefined,
  p99: undefined,
  total: 0,
  ...summary,
});

describe("the summary table", () => {
  it("aligns names to the left and numbers to the right", () => {
    const table = tableOf([
      row({ operation: "Profiler.run", calls: 12, cached: 11, p50: 1.2, p95: 840, p99: 840, total: 853.2 }),
      row({
        operation: "Model.train",
        calls: 1_000,
        errors: 2,
        retried: 7,
        degraded: 3,
        p50: 0.004,
        p95: 12_345,
        p99: 61_000,
        total: 7_200_000,
      }),
    ]);
    expect(table.split("\n")).toEqual([
      "operation     calls  errors  cached  retried  degraded     p50     p95       p99   total",
      "Profiler.run     12       0      11        0         0  1.2 ms  840 ms    840 ms  853 ms",
      "Model.train    1000       2       0        7         3    4 µs  12.3 s  1.02 min     2 h",
    ]);
  });

  it("says that nothing has ended yet", () => {
    expect(tableOf([row({})]).split("\n")[1]).toMatch(/^m +0 +0 +0 +0 +0 +- +- +- +0 ns$/);
    expect(tableOf([]).split("\n")).toHaveLength(1);
  });

  it("keeps one line for each operation, whatever its name", () => {
    const names = ["a\nb", "a\r", "\u001b[31mred", "\u202eevil", "\u2028", "\ud800", "x".repeat(500)];
    const lines = tableOf(names.map((operation) => row({ operation }))).split("\n");
    expect(lines).toHaveLength(names.length + 1);
    expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028]/u);
    expect(lines[1]).toContain(String.raw`a\u{a}b`);
    expect(lines.at(-1)).toContain("…");
  });

  it("counts wide and combining characters as a terminal shows them", () => {
    const [, wide, combining, plain] = tableOf([
      row({ operation: "取引.集計" }),
      row({ operation: "cafe\u0301" }),
      row({ operation: "plain" }),
    ]).split("\n");
    // Nine columns for the wide name, and as many for the header "operation".
    expect(wide).toBe("取引.集計" + plain!.slice(9));
    expect(combining).toBe("cafe\u0301     " + plain!.slice(9));
  });

  it.each([
    [undefined, "-"],
    [0, "0 ns"],
    [0.000_85, "850 ns"],
    [0.012_34, "12.3 µs"],
    [0.999_96, "1 ms"],
    [1.254, "1.25 ms"],
    [999.4, "999 ms"],
    [999.96, "1 s"],
    [59_990, "1 min"],
    [90_000, "1.5 min"],
    [3_600_000, "1 h"],
    [86_400_000, "24 h"],
  ])("writes %s ms as %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
