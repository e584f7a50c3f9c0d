import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Case } from "../../src/harness/case.js";
import { evaluate, requireEqualResults, runCase } from "../../src/harness/run-case.js";
import { failing, first, toy, unequal } from "../fixtures/cases.js";

const contender = (name: string, partial = false) => ({ name, partial });
const answering = (name: string, result: Record<string, unknown>) => ({ name, check: async () => result });

describe("requireEqualResults", () => {
  it("takes results that are deeply equal", async () => {
    const comparing = requireEqualResults(
      "sums",
      [contender("a"), contender("b")],
      [answering("a", { value: { sum: [1, 2] } }), answering("b", { value: { sum: [1, 2] } })],
    );
    await expect(comparing).resolves.toBeUndefined();
  });

  it("refuses contenders that come to something else, and shows both results", async () => {
    const comparing = requireEqualResults(
      "sums",
      [contender("a"), contender("b")],
      [answering("a", { value: 42 }), answering("b", { value: 41 })],
    );
    await expect(comparing).rejects.toThrow('"a" gives { value: 42 }, "b" gives { value: 41 }');
  });

  it("refuses a contender that leaves something out", async () => {
    const comparing = requireEqualResults(
      "sums",
      [contender("a"), contender("b")],
      [answering("a", { value: 42, counted: 3 }), answering("b", { value: 42 })],
    );
    await expect(comparing).rejects.toThrow("do not do the same");
  });

  it("lets a partial contender leave things out, but not come to something else", async () => {
    const contenders = [contender("bare", true), contender("whole")];
    const whole = answering("whole", { value: 42, counted: 3 });
    await requireEqualResults("sums", contenders, [answering("bare", { value: 42 }), whole]);
    await expect(
      requireEqualResults("sums", contenders, [answering("bare", { value: 1 }), whole]),
    ).rejects.toThrow('"bare" gives { value: 1 }');
  });
});

describe("evaluate", () => {
  const subject: Case = {
    name: "sums",
    question: "How long?",
    reference: "bare",
    contenders: [
      { name: "bare", setup: () => ({ run: () => 0, check: () => ({}) }) },
      { name: "decorated", usesContext: true, setup: () => ({ run: () => 0, check: () => ({}) }) },
    ],
    budgets: [{ contender: "decorated", over: "bare", ns: 60, referenceNs: 25 }],
  };
  const samples = new Map([
    ["bare", [50, 100, 50]],
    ["decorated", [150, 300, 150]],
  ]);

  it("gives ratios and differences to the reference, round by round", () => {
    const { contenders } = evaluate(subject, samples, new Map([["bare", 248]]));
    expect(contenders[0]).toMatchObject({
      name: "bare",
      ratio: { median: 1, p25: 1, p75: 1 },
      extraNs: 0,
      bytes: 248,
    });
    expect(contenders[1]).toMatchObject({
      name: "decorated",
      ratio: { median: 3, p25: 3, p75: 3 },
      extraNs: 100,
      bytes: undefined,
    });
    expect(contenders[1]!.ns).toEqual({ median: 150, p25: 150, p75: 225 });
  });

  it("measures budgets as they are, and as they would be at the speed at which they were set", () => {
    expect(evaluate(subject, samples, new Map()).budgets).toEqual([
      { contender: "decorated", over: "bare", ns: 60, referenceNs: 25, measuredNs: 100, scaledNs: 50 },
    ]);
    const unscaled = { ...subject, budgets: [{ contender: "decorated", over: "bare", ns: 60 }] };
    expect(evaluate(unscaled, samples, new Map()).budgets).toEqual([
      { contender: "decorated", over: "bare", ns: 60, measuredNs: 100, scaledNs: undefined },
    ]);
    const relative = { ...subject, budgets: [{ contender: "decorated", over: "bare", ratio: 2 }] };
    expect(evaluate(relative, samples, new Map()).budgets).toEqual([
      { contender: "decorated", over: "bare", ratio: 2, measuredRatio: 3 },
    ]);
  });
});

// Starts processes, which takes its time on a machine with much else to do.
describe("runCase", () => {
  const folder = mkdtempSync(join(tmpdir(), "mlmcp-benchmarks-"));
  const entry = join(folder, "entry.mjs");
  const plan = { starts: 1, coldStarts: 2, rounds: 3, batchMs: 0.2, warmUpMs: 1 };

  beforeAll(() =>
    build({
      entryPoints: [fileURLToPath(new URL("../fixtures/entry.ts", import.meta.url))],
      outfile: entry,
      bundle: true,
      platform: "node",
      format: "esm",
    }),
  );
  afterAll(() => rmSync(folder, { recursive: true }));

  it("measures contenders in processes of their own and tells what they allocate", async () => {
    const result = await runCase(toy, plan, entry);
    expect(result.separateProcesses).toBe(true);
    expect(result.contenders.map(({ name }) => name)).toEqual(["nothing", "arrays"]);
    for (const { ns, ratio } of result.contenders) {
      expect(ns.median).toBeGreaterThan(0);
      expect(ratio.median).toBeGreaterThan(0);
    }
    const [nothing, arrays] = result.contenders.map(({ bytes }) => bytes!);
    expect(nothing).toBeLessThan(8);
    // A hundred elements of eight bytes and the headers of an array; less where pointers are compressed.
    expect(arrays).toBeGreaterThan(400);
    expect(arrays).toBeLessThan(1_000);
  });

  it("measures a cold case once in each of many processes", async () => {
    const { cold, contenders } = await runCase(first, plan, entry);
    expect(cold).toBe(true);
    expect(contenders[0]).toMatchObject({ name: "slow", ratio: { median: 1 }, bytes: undefined });
    expect(contenders[0]!.ns.median).toBeGreaterThan(0);
  });

  it("measures nothing where contenders do not do the same", async () => {
    await expect(runCase(unequal, plan, entry)).rejects.toThrow(
      'The contenders of "unequal" do not do the same',
    );
  });

  it("hands on what a contender throws, and ends the processes", async () => {
    await expect(runCase(failing, plan, entry)).rejects.toThrow("out of order");
  });
});
