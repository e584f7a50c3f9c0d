import { DataLoadError } from "@mlmcp/core";
import type { ColumnStatistics } from "@mlmcp/plugin-memory";
import { describe, expect, it } from "vitest";
import { optimizer, parquetFile, pseudoRandom, temporaryFile } from "./fixtures.js";

async function column(file: string, name: string): Promise<ColumnStatistics> {
  const { columns } = await optimizer().analyze(file, { columns: [name] });
  return columns[0]!;
}

describe("analyze", () => {
  it("gives the closed forms for 1 to n", async () => {
    const n = 1000;
    const file = await temporaryFile(
      "n.csv",
      `i\n${Array.from({ length: n }, (_, i) => i + 1).join("\n")}\n`,
    );
    const { rows, bytes, format, columns } = await optimizer().analyze(file, {
      quantiles: [0, 0.1, 0.5, 0.999, 1],
    });
    expect({ rows, bytes, format }).toEqual({ rows: n, bytes: 3895, format: "csv" });
    expect(columns).toEqual([
      {
        name: "i",
        type: "BIGINT",
        kind: "number",
        count: n,
        nulls: 0,
        nonFinite: 0,
        min: 1,
        max: n,
        mean: (n + 1) / 2,
        std: expect.closeTo(Math.sqrt((n * (n + 1)) / 12), 9),
        distinct: n,
        quantiles: {
          p0: 1,
          p10: expect.closeTo(1 + (n - 1) * 0.1, 9),
          p50: 500.5,
          "p99.9": expect.closeTo(1 + (n - 1) * 0.999, 9),
          p100: n,
        },
      },
    ]);
  });

  it("agrees with one pass over the values in JavaScript", async () => {
    const random = pseudoRandom(42);
    const values: (number | null)[] = Array.from({ length: 50_000 }, () => {
      const drawn = random.next().value as number;
      return drawn < 0.1 ? null : Math.round(drawn * 1e6) / 1e3;
    });
    const file = await temporaryFile(
      "random.csv",
      `before,x\n${values.map((value, i) => `${i},${value ?? ""}`).join("\n")}\n`,
    );

    // Welford's streaming mean and variance.
    let count = 0;
    let mean = 0;
    let squares = 0;
    const present: number[] = [];
    for (const value of values) {
      if (value === null) continue;
      count += 1;
      const delta = value - mean;
      mean += delta / count;
      squares += delta * (value - mean);
      present.push(value);
    }
    present.sort((a, b) => a - b);
    const quantile = (p: number) => {
      const at = (present.length - 1) * p;
      const [low, high] = [present[Math.floor(at)]!, present[Math.ceil(at)]!];
      return low + (high - low) * (at - Math.floor(at));
    };

    const found = await column(file, "x");
    expect(found).toMatchObject({
      count,
      nulls: values.length - count,
      min: present[0],
      max: present.at(-1),
    });
    expect(found.distinct).toBe(new Set(present).size);
    expect(found.mean).toBeCloseTo(mean, 8);
    expect(found.std).toBeCloseTo(Math.sqrt(squares / (count - 1)), 8);
    for (const p of [0.05, 0.25, 0.5, 0.75, 0.95])
      expect(found.quantiles![`p${p * 100}`]).toBeCloseTo(quantile(p), 8);
  });

  it("counts values that are not finite and leaves them out of the figures", async () => {
    const file = await temporaryFile("f.csv", "x\n1\nNaN\n3.5\ninf\n-inf\n\n");
    expect(await column(file, "x")).toMatchObject({
      count: 5,
      nulls: 1,
      nonFinite: 3,
      min: 1,
      max: 3.5,
      mean: 2.25,
      distinct: 5,
    });
  });

  it("has no figures where there is no value, and no deviation of one value", async () => {
    const empty = { count: 0, min: null, max: null, mean: null, std: null, distinct: 0 };
    const file = await temporaryFile("e.csv", "a,b\n,1\n");
    expect(await column(file, "a")).toMatchObject({ ...empty, nulls: 1 });
    expect(await column(file, "b")).toMatchObject({ count: 1, min: 1, max: 1, mean: 1, std: null });
    const header = await temporaryFile("h.csv", "a,b\n");
    expect((await optimizer().analyze(header)).rows).toBe(0);
  });

  it("knows texts, booleans, dates and times", async () => {
    const file = await temporaryFile(
      "t.csv",
      "t,b,d,at\nbeta,true,2001-02-01,2001-02-01 10:00:00\nalpha,false,2001-02-03,2001-02-01 12:00:00\n",
    );
    const { columns } = await optimizer().analyze(file);
    expect(columns.map(({ type, kind, min, max, mean }) => [type, kind, min, max, mean])).toEqual([
      ["VARCHAR", "text", "alpha", "beta", null],
      ["BOOLEAN", "boolean", false, true, null],
      ["DATE", "temporal", "2001-02-01", "2001-02-03", "2001-02-02 00:00:00"],
      ["TIMESTAMP", "temporal", "2001-02-01 10:00:00", "2001-02-01 12:00:00", "2001-02-01 11:00:00"],
    ]);
    expect(columns[3]!.quantiles!["p50"]).toBe("2001-02-01 11:00:00");
  });

  it("takes every type that Parquet brings", async () => {
    const file = await parquetFile(
      `SELECT 1.25::DECIMAL(9, 2) AS d, 18446744073709551615::UBIGINT AS u, 1.5::FLOAT AS f, TIMESTAMP_NS '2020-01-01 00:00:00.5' AS ns,
       TIMESTAMPTZ '2020-01-01 00:00:00+00' AS tz, TIME '10:00:00' AS t, 'infinity'::TIMESTAMP AS never, [1, 2] AS l, {'a': 1} AS s,
       MAP {'a': 1} AS m, 'x'::BLOB AS b, uuid() AS id, INTERVAL 3 DAY AS iv FROM range(3)`,
    );
    const { columns } = await optimizer().analyze(file);
    const brief = Object.fromEntries(
      columns.map(({ name, kind, min, distinct }) => [name, [kind, name === "id" ? "" : min, distinct]]),
    );
    expect(brief).toEqual({
      d: ["number", 1.25, 1],
      u: ["number", 18446744073709551615n, 1],
      f: ["number", 1.5, 1],
      ns: ["temporal", "2020-01-01 00:00:00.5", 1],
      tz: ["temporal", "2020-01-01 00:00:00+00", 1],
      t: ["temporal", "10:00:00", 1],
      never: ["temporal", null, 1],
      l: ["other", null, 1],
      s: ["other", null, 1],
      m: ["other", null, 1],
      b: ["other", null, 1],
      id: ["text", "", 3],
      iv: ["other", null, 1],
    });
  });

  it("says approximate where an exact answer does not fit in memory, and is close", async () => {
    const n = 3_000_000;
    const file = await parquetFile(
      `SELECT (i * 7919 % ${n})::DOUBLE AS x, i % 10 AS digit FROM range(${n}) t(i)`,
    );
    const { columns } = await optimizer({ maxMemoryMb: 20 }).analyze(file, { quantiles: [0.5] });
    const [x, digit] = columns;
    expect(x).toMatchObject({ count: n, min: 0, max: n - 1, mean: (n - 1) / 2 });
    expect([x!.distinct, x!.quantiles]).toEqual([undefined, undefined]);
    expect(Math.abs(x!.approximateDistinct! / n - 1)).toBeLessThan(0.25);
    expect(x!.approximateDistinct).toBeLessThanOrEqual(n);
    expect(Math.abs((x!.approximateQuantiles!["p50"] as number) / (n / 2) - 1)).toBeLessThan(0.02);
    expect(digit!.min).toBe(0);
  });

  it("answers only for the columns asked for, in their order", async () => {
    const file = await temporaryFile("c.csv", "a,b,c\n1,2,3\n");
    const { columns } = await optimizer().analyze(file, { columns: ["c", "a"] });
    expect(columns.map(({ name }) => name)).toEqual(["c", "a"]);
  });

  it("names the nearest column where one is missing", async () => {
    const file = await temporaryFile("c.csv", "delay,distance\n1,2\n");
    const error = await optimizer()
      .analyze(file, { columns: ["dely"] })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DataLoadError);
    expect(error).toMatchObject({
      code: "MLMCP_DATA_COLUMN",
      message: `${file} has no column "dely". Did you mean "delay"? It has: delay, distance.`,
      context: { column: "dely", nearest: "delay" },
      suggestions: ['Use "delay".'],
    });
  });

  it("refuses a quantile that is no probability", async () => {
    const file = await temporaryFile("c.csv", "a\n1\n");
    await expect(optimizer().analyze(file, { quantiles: [50] })).rejects.toThrow("between 0 and 1, not 50");
  });

  it("notices that a file has changed", async () => {
    const { writeFile } = await import("node:fs/promises");
    const file = await temporaryFile("c.csv", "a\n1\n");
    const memory = optimizer();
    expect((await memory.analyze(file)).columns[0]!.type).toBe("BIGINT");
    await writeFile(file, "b\nx\n");
    expect((await memory.analyze(file)).columns[0]).toMatchObject({ name: "b", type: "VARCHAR" });
  });

  it("stops with the signal's reason", async () => {
    const file = await parquetFile("SELECT i, i * 31 % 1000003 AS j FROM range(5000000) t(i)");
    const controller = new AbortController();
    const running = optimizer().analyze(file, { signal: controller.signal });
    setImmediate(() => controller.abort(new Error("enough")));
    await expect(running).rejects.toThrow("enough");
    await expect(
      optimizer().analyze(file, { signal: AbortSignal.abort(new Error("before")) }),
    ).rejects.toThrow("before");
  });
});
