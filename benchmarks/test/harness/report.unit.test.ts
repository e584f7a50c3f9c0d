import { describe, expect, it } from "vitest";
import { reportOf, type Results } from "../../src/harness/report.js";

const spread = (median: number) => ({ median, p25: median * 0.9, p75: median * 1.1 });

const results: Results = {
  environment: {
    date: "2026-11-21",
    commit: "0123456789",
    cpu: "Some CPU",
    cores: 2,
    memoryGb: 8,
    system: "Linux x64",
    node: "20.20.2",
    v8: "11.3",
    load: { before: 0.1, after: 1.2 },
    packages: { cockatiel: "3.2.1", opossum: "9.0.0" },
  },
  plan: { starts: 3, coldStarts: 25, rounds: 150, batchMs: 4, warmUpMs: 300 },
  cases: [
    {
      name: "dispatch",
      question: "What does it cost?",
      reference: "bare",
      separateProcesses: false,
      cold: false,
      awake: false,
      contenders: [
        { name: "bare", ratio: spread(1), ns: spread(60), extraNs: 0, bytes: 248 },
        { name: "decorated", ratio: spread(2.5), ns: spread(150), extraNs: 90, bytes: undefined },
      ],
      budgets: [
        { contender: "decorated", over: "bare", ns: 60, referenceNs: 30, measuredNs: 90, scaledNs: 45 },
        { contender: "wrapped", over: "bare", ratio: 1.5, measuredRatio: 1.2 },
        { contender: "intercepted", over: "bare", ratio: 1.5, measuredRatio: 2.5 },
      ],
    },
  ],
  studies: [
    { name: "counts", question: "How many?", columns: ["subject", "count"], rows: [["apples", "3"]] },
  ],
};

const row = (report: string, begin: string): string[] =>
  report
    .split("\n")
    .find((line) => line.startsWith(`| ${begin}`))!
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

describe("the report", () => {
  const report = reportOf(results);
  const [budgets, dispatch] = report.split("## dispatch");

  it("shows what was counted", () => {
    expect(report).toContain("## counts\n\nHow many?");
    expect(row(report, "apples")).toEqual(["apples", "3"]);
  });

  it("puts ratios before nanoseconds", () => {
    expect(row(dispatch!, "contender")).toEqual([
      "contender",
      "ratio",
      "p25–p75",
      "ns/op",
      "p25–p75",
      "ns over bare",
      "bytes/call",
    ]);
    expect(row(dispatch!, "decorated")).toEqual([
      "decorated",
      "2.5×",
      "2.25–2.75",
      "150",
      "135–165",
      "90",
      "not known",
    ]);
    expect(row(dispatch!, "bare")).toEqual(["bare", "1×", "0.9–1.1", "60", "54–66", "", "248"]);
  });

  it("says for each budget by how much it is met or missed, here and at the speed at which it was set", () => {
    expect(row(budgets!, "decorated")).toEqual([
      "decorated",
      "bare",
      "60 ns where the reference took 30 ns",
      "90 ns",
      "missed by 30 ns",
      "45 ns",
      "met by 15 ns",
    ]);
  });

  it("says for each budget of a ratio by how much it is met or missed", () => {
    expect(row(budgets!, "wrapped")).toEqual(["wrapped", "bare", "1.5×", "1.2×", "met by 0.3×", "", ""]);
    expect(row(budgets!, "intercepted")).toEqual([
      ...["intercepted", "bare", "1.5×", "2.5×", "missed by 1×"],
      ...["", ""],
    ]);
  });

  it("tells on what machine, with what versions and from which commit it comes", () => {
    for (const fact of [
      "0123456789",
      "2026-11-21",
      "Node 20.20.2 (V8 11.3)",
      "Some CPU, 2 cores",
      "load 0.1 before and 1.2 after",
      "cockatiel 3.2.1, opossum 9.0.0",
    ]) {
      expect(report).toContain(fact);
    }
  });

  it("tells of a cold case in milliseconds", () => {
    const [subject] = results.cases;
    const contenders = [{ name: "start", ratio: spread(1), ns: spread(50e6), extraNs: 0, bytes: undefined }];
    const budget = { contender: "start", over: "nothing", ns: 60e6, measuredNs: 50e6, scaledNs: undefined };
    const cold = reportOf({
      ...results,
      cases: [{ ...subject!, cold: true, contenders, budgets: [budget] }],
    });
    expect(cold).toContain("Each is the first call of a new process.");
    expect(row(cold.split("## dispatch")[0]!, "start")).toEqual([
      "start",
      "nothing",
      "60 ms",
      "50 ms",
      "met by 10 ms",
      "",
      "",
    ]);
    expect(row(cold.split("## dispatch")[1]!, "start")).toEqual(["start", "1×", "0.9–1.1", "50", "45–55"]);
  });

  it("says where contenders ran in processes of their own", () => {
    expect(report).not.toContain("process of its own");
    expect(reportOf({ ...results, cases: [{ ...results.cases[0]!, separateProcesses: true }] })).toContain(
      "process of its own",
    );
  });
});
