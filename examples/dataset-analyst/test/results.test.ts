import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runApplication, type Run } from "./application.js";
import { expectedResults, type ExpectedRow } from "./expected.js";
import { readTable } from "./printed.js";

const data = (name: string) =>
  fileURLToPath(new URL(`../data/${name}`, import.meta.resolve("vega-datasets")));

/** All three million flights, once as JSON and once as text, each compared with SQL of its own. */
let directory: string;
let expected: Record<string, ExpectedRow[]>;
let asJson: Run;
let asText: Run;
let result: any;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "dataset-analyst-"));
  const config = join(directory, "config.yaml");
  await copyFile(fileURLToPath(new URL("../.mlmcprc.yaml", import.meta.url)), config);
  asJson = await runApplication(["--json", "--config", config]);
  asText = await runApplication(["--config", config]);
  expected = await expectedResults(data("flights-3m.parquet"), data("airports.csv"));
  result = JSON.parse(asJson.stdout);
}, 600_000);

afterAll(() => rm(directory, { recursive: true, force: true }));

/** Sums of doubles may differ in their last digits. */
const close = (value: number | string | null | undefined, digits = 9) =>
  typeof value === "number"
    ? expect.closeTo(value, digits - Math.ceil(Math.log10(Math.abs(value) + 1)))
    : value;
const closeRow = (row: ExpectedRow) =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, close(value)]));

describe("the results", () => {
  it("hold in every step, and the exit code says so", () => {
    expect(asJson.stderr.split("\n").filter((line) => line.includes("FAILED"))).toEqual([]);
    expect([asJson.code, asText.code]).toEqual([0, 0]);
    expect(result.held).toBe(true);
    expect(result.steps.map(({ name, problems }: any) => [name, problems])).toEqual([
      ["profile every column", []],
      ["delays by airport, route, hour and month", []],
      ["train a model for each airport in workers", []],
      ["score the flights held out, all at once", []],
      ["drill: the data source fails", []],
      ["the same again from the cache", []],
    ]);
  });

  it("profile every column as SQL does", () => {
    const { profile } = result;
    expect([profile.format, profile.rows, profile.bytes]).toEqual(["parquet", 3_000_000, 13_493_022]);
    const column = (name: string) => {
      const { quantiles, ...figures } = profile.columns.find((each: any) => each.name === name);
      return { ...figures, ...quantiles };
    };
    for (const row of [...expected["profile"]!, ...expected["texts"]!]) {
      expect(column(String(row["name"]))).toMatchObject(closeRow(row));
    }
    expect(column("date")).toMatchObject(expected["dates"]![0]!);
    expect(profile.columns).toHaveLength(5);
  });

  it.each(["airport", "route", "hour", "month"])("give the delays by %s as SQL does", (dimension) => {
    const { source, rows } = result.delays[dimension];
    expect(source).toBe("all flights");
    expect(rows).toEqual(expected[dimension]!.map(closeRow));
  });

  it("hold a model of each airport, with the slope and intercept of regr_slope and regr_intercept", () => {
    const models = result.training.models.map(({ airport, moments, slope, intercept, r2 }: any) => ({
      airport,
      n: moments.n,
      slope,
      intercept,
      r2,
    }));
    expect(models).toHaveLength(229);
    expect(models).toEqual(expected["models"]!.map((row) => ({ ...closeRow(row), r2: close(row["r2"], 6) })));
    const { moments, slope, intercept, r2 } = result.training.overall;
    expect([{ n: moments.n, slope, intercept, r2 }]).toEqual(expected["overall"]!.map(closeRow));
  });

  it("store the models in a file that is named by its content", async () => {
    const { file, id, models, overall } = result.training;
    expect(file).toBe(join(directory, `.mlmcp/models/delays-${id}.json`));
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ models, overall });
  });

  it("score 100,000 flights as SQL does, within two minutes and a gigabyte", () => {
    const { flights, rmse, mae, baselineRmse, milliseconds, peakRss } = result.scores;
    expect([{ flights, rmse, mae, baseline: baselineRmse }]).toEqual(expected["scores"]!.map(closeRow));
    expect(flights).toBe(100_000);
    expect(milliseconds).toBeLessThan(120_000);
    expect(peakRss).toBeLessThan(1e9);
  });

  it("show that retries save the answer, and then that the breaker opens and the sample answers", () => {
    const { transient, outage } = result.drill;
    expect(transient).toEqual({
      dimension: "weekday",
      failures: 2,
      retried: 2,
      degraded: false,
      breaker: "closed",
      report: { source: "all flights", rows: expected["weekday"]!.map(closeRow) },
    });
    expect(outage).toEqual({
      dimension: "destination",
      failures: 3,
      retried: 3,
      degraded: true,
      breaker: "open",
      report: { source: "sample", rows: expected["sampled destination"]!.map(closeRow) },
    });
  });

  it("come from the cache in the second pass, faster than in the first", () => {
    const { firstMs, secondMs, speedup } = result.passes;
    expect(speedup).toBeCloseTo(firstMs / secondMs, 6);
    expect(speedup).toBeGreaterThan(10);
  });

  it("count every operation", () => {
    const counts = Object.fromEntries(
      result.operations.map(({ operation, calls, errors, cached, retried, degraded }: any) => [
        operation,
        [calls, errors, cached, retried, degraded],
      ]),
    );
    const airports = new Set(result.training.models.map(({ airport }: any) => airport)).size;
    expect(counts).toEqual({
      // Called, failed, cached, retried, degraded.
      "Profiler.profile": [2, 0, 1, 0, 0],
      "DataSource.query": [11, 5, 0, 0, 0],
      "Delays.by": [10, 0, 4, 5, 1],
      "Training.run": [2, 0, 1, 0, 0],
      "Trainer.train": [1, 0, 0, 0, 0],
      "Scorer.score": [100_000, 0, 0, 0, 0],
      "Models.load": [100_000 + 227, 0, 100_000, 0, 0],
    });
    expect(airports).toBe(229);
    for (const { p50, p95, p99 } of result.operations) expect(p50 <= p95 && p95 <= p99).toBe(true);
  });

  it("name at least two workers", () => {
    expect(new Set(result.workers).size).toBeGreaterThanOrEqual(2);
    expect(result.workers.every((id: unknown) => Number.isInteger(id) && id !== 0)).toBe(true);
  });

  it("tell progress in plain lines where nobody watches a terminal", () => {
    expect(asJson.stderr).not.toContain("\u001b");
    expect(
      asJson.stderr
        .trimEnd()
        .split("\n")
        .map((line) => line.replace(/, [\d.]+ m?s$/, "")),
    ).toEqual(result.steps.map(({ name }: any, index: number) => `${index + 1}. ${name}: held`));
  });
});

describe("the printed tables", () => {
  const count = (value: unknown) => (value as number).toLocaleString("en-US");
  const delayCells = ({ key, place, flights, mean, late }: ExpectedRow) => [
    key,
    ...(place === null ? [] : [place]),
    count(flights),
    `${(mean as number).toFixed(2)} min`,
    `${((late as number) * 100).toFixed(2)} %`,
  ];
  const byKey = (rows: ExpectedRow[]) => [...rows].sort((a, b) => (a["key"]! < b["key"]! ? -1 : 1));

  it("have the profile of SQL", () => {
    const short = (value: unknown) =>
      value === null || value === undefined
        ? ""
        : typeof value === "number"
          ? String(Number(value.toFixed(2)))
          : String(value).slice(0, 16);
    const [delay, distance] = expected["profile"]!;
    const [destination, origin] = expected["texts"]!;
    const columns = [expected["dates"]![0]!, delay!, distance!, origin!, destination!];
    const line = (name: string, format = short) => [name, ...columns.map((column) => format(column[name]))];
    expect(readTable(asText.stdout, /^3,000,000 flights$/)).toEqual([
      ["", "date", "delay", "distance", "origin", "destination"],
      ["type", "TIMESTAMP", "BIGINT", "BIGINT", "VARCHAR", "VARCHAR"],
      line("count", count),
      ["nulls", "0", "0", "0", "0", "0"],
      ...["min", "max", "mean", "std", "p5", "p25", "p50", "p75", "p95"].map((name) => line(name)),
      line("distinct", count),
    ]);
  });

  it("have the delays of SQL", () => {
    const printed = (heading: RegExp) => readTable(asText.stdout, heading).slice(1);
    expect(printed(/^Delays by airport: the 10 largest of 229$/)).toEqual(
      expected["airport"]!.slice(0, 10).map(delayCells),
    );
    expect(printed(/^Delays by route: the 10 busiest of 3399$/)).toEqual(
      expected["route"]!.slice(0, 10).map(delayCells),
    );
    expect(printed(/^Delays by hour$/)).toEqual(byKey(expected["hour"]!).map(delayCells));
    expect(printed(/^Delays by month$/)).toEqual(byKey(expected["month"]!).map(delayCells));
    expect(printed(/^Delays by weekday, from all flights:$/)).toEqual(expected["weekday"]!.map(delayCells));
    expect(printed(/^Delays by destination, from the sample/)).toEqual(
      expected["sampled destination"]!.slice(0, 7).map(delayCells),
    );
  });

  it("have the models and scores of SQL", () => {
    const models = [
      ...expected["models"]!.slice(0, 10),
      { airport: "all", ...expected["overall"]![0]! },
    ] as ExpectedRow[];
    expect(
      readTable(asText.stdout, /^How delays grow over the day: 229 models from 2,900,000 flights$/).slice(1),
    ).toEqual(
      models.map(({ airport, n, slope, intercept, r2 }) => [
        airport,
        count(n),
        ((slope as number) * 60).toFixed(4),
        (intercept as number).toFixed(4),
        (r2 as number).toFixed(5),
      ]),
    );
    const { rmse, mae, baseline } = expected["scores"]![0] as Record<string, number>;
    expect(readTable(asText.stdout, /^100,000 flights that no model had seen$/).slice(1)).toEqual([
      ["root of mean square", rmse!.toFixed(3), baseline!.toFixed(3)],
      ["mean absolute", mae!.toFixed(3), ""],
    ]);
  });

  it("have the drill's counts, the operations and how much faster the second pass was", () => {
    expect(asText.stdout).toContain(
      "A short failure: the data source failed 2 times, the method was tried again 2 times, the breaker is closed.",
    );
    expect(asText.stdout).toContain(
      "An outage: the data source failed 3 times, the method was tried again 3 times, the breaker is open.",
    );
    expect(asText.stdout).toMatch(
      /^operation +calls +errors +cached +retried +degraded +p50 +p95 +p99 +total$/m,
    );
    expect(asText.stdout).toMatch(/^Delays\.by +10 +0 +4 +5 +1 /m);
    expect(asText.stdout).toMatch(/^First pass [\d.]+ s, second pass [\d.]+ m?s: [\d,]+ times as fast$/m);
    expect(
      asText.stdout
        .trimEnd()
        .split("\n")
        .slice(-6)
        .every((line) => line.startsWith("held")),
    ).toBe(true);
    expect(dirname(result.training.file)).toBe(join(directory, ".mlmcp/models"));
  });
});
