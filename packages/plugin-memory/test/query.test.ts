import { describe, expect, it } from "vitest";
import { optimizer, parquetFile, temporaryFile } from "./fixtures.js";

describe("query", () => {
  it("joins files by the names given to them", async () => {
    const flights = await temporaryFile("f.csv", "origin,delay\nLAX,5\nJFK,7\nLAX,9\n");
    const airports = await temporaryFile("a.csv", "iata,city\nLAX,Los Angeles\n");
    const sql =
      "SELECT city, avg(delay) AS mean, count(*) AS n FROM flights JOIN airports ON origin = iata GROUP BY city";
    expect(await optimizer().query({ flights, airports }, sql)).toEqual([
      { city: "Los Angeles", mean: 7, n: 2 },
    ]);
  });

  it("takes parameters as values, never as SQL", async () => {
    const file = await temporaryFile("f.csv", "name,v\nx,1\n' OR true --,2\n");
    const query = (name: string | null) =>
      optimizer().query(file, "SELECT v FROM data WHERE name = $name", { parameters: { name } });
    expect(await query("' OR true --")).toEqual([{ v: 2 }]);
    expect(await query("x'; DROP VIEW data; --")).toEqual([]);
    expect(await query(null)).toEqual([]);
  });

  it("gives null for null, and dates as texts", async () => {
    const file = await temporaryFile("f.csv", "v,s,b,d\n,,,\n1.5,x,true,2001-02-03\n");
    expect(await optimizer().query(file, "SELECT * FROM data")).toEqual([
      { v: null, s: null, b: null, d: null },
      { v: 1.5, s: "x", b: true, d: "2001-02-03" },
    ]);
  });

  it("takes sums and decimals as numbers where that is exact, and refuses where it is not", async () => {
    const file = await temporaryFile("f.csv", "v\n9007199254740991\n9007199254740993\n");
    const memory = optimizer();
    expect(await memory.query(file, "SELECT sum(v - 9007199254740990) AS s, 1.25 AS d FROM data")).toEqual([
      { s: 4, d: 1.25 },
    ]);
    await expect(memory.query(file, "SELECT v FROM data")).rejects.toMatchObject({
      name: "DataLoadError",
      code: "MLMCP_DATA_PRECISION",
      message: 'Column "v" holds 9007199254740993, which no JavaScript number can be exactly.',
    });
    await expect(memory.query(file, "SELECT 12345678901234567.5 AS v")).rejects.toMatchObject({
      code: "MLMCP_DATA_PRECISION",
    });
    expect(await memory.query(file, "SELECT v::VARCHAR AS v FROM data")).toEqual([
      { v: "9007199254740991" },
      { v: "9007199254740993" },
    ]);
  });

  it("names the nearest column where the SQL asks for one that is missing", async () => {
    const file = await temporaryFile("f.csv", "origin,delay\nLAX,5\n");
    await expect(optimizer().query(file, "SELECT avg(delai) FROM data")).rejects.toMatchObject({
      name: "DataLoadError",
      code: "MLMCP_DATA_COLUMN",
      message: `${file} has no column "delai". Did you mean "delay"? It has: origin, delay.`,
    });
  });

  it("reports SQL that is wrong as such", async () => {
    const file = await temporaryFile("f.csv", "a\n1\n");
    await expect(optimizer().query(file, "SELEC a FROM data")).rejects.toMatchObject({
      name: "ProcessingError",
      code: "MLMCP_DATA_QUERY",
    });
    await expect(optimizer().query(file, "SELECT a FROM flights")).rejects.toThrow(
      "Table with name flights does not exist",
    );
  });

  it("says so where a result takes more memory than it may", async () => {
    const file = await parquetFile("SELECT i FROM range(4000000) t(i)");
    await expect(
      optimizer({ maxMemoryMb: 20 }).query(file, "SELECT len(list(i)) AS n FROM data"),
    ).rejects.toMatchObject({
      name: "ResourceExhaustedError",
      message: expect.stringContaining("takes more memory than `memory.maxMemoryMb` allows"),
      suggestions: ["Raise memory.maxMemoryMb, or read fewer columns."],
    });
  });

  it("keeps the tables of queries that run at once apart", async () => {
    const memory = optimizer();
    const files = await Promise.all([1, 2, 3, 4].map((value) => temporaryFile("f.csv", `a\n${value}\n`)));
    const answers = await Promise.all(files.map((file) => memory.query(file, "SELECT a FROM data")));
    expect(answers.flat()).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }]);
  });
});

describe("stream", () => {
  it("gives every row once, numbers as Float64Array with NaN for null", async () => {
    const file = await parquetFile(
      "SELECT CASE WHEN i % 10 = 0 THEN NULL ELSE i END AS i, 'row ' || i AS s FROM range(10000) t(i)",
    );
    let sum = 0;
    let nulls = 0;
    let rows = 0;
    for await (const { rows: length, columns } of optimizer().stream(file)) {
      expect(columns["i"]).toBeInstanceOf(Float64Array);
      for (const value of columns["i"] as Float64Array) {
        if (Number.isNaN(value)) nulls += 1;
        else sum += value;
      }
      expect(columns["s"]![0]).toBe(`row ${rows}`);
      rows += length;
    }
    expect({ rows, nulls, sum }).toEqual({
      rows: 10_000,
      nulls: 1000,
      sum: (9999 * 10_000) / 2 - (10 * 999 * 1000) / 2,
    });
  });

  it("ends the query when the loop is left", async () => {
    const file = await parquetFile("SELECT i FROM range(1000000) t(i)");
    const memory = optimizer();
    for await (const { rows } of memory.stream(file)) {
      expect(rows).toBeGreaterThan(0);
      break;
    }
    expect(await memory.query(file, "SELECT count(*) AS n FROM data")).toEqual([{ n: 1_000_000 }]);
  });

  it("ends with the signal's reason", async () => {
    const file = await parquetFile("SELECT i FROM range(1000000) t(i)");
    const controller = new AbortController();
    const chunks = optimizer().stream(file, undefined, { signal: controller.signal });
    await chunks.next();
    controller.abort(new Error("enough"));
    await expect(chunks.next()).rejects.toThrow("enough");
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
  });

  it("runs beside others on one file", async () => {
    const file = await parquetFile("SELECT i FROM range(100000) t(i)");
    const memory = optimizer();
    const count = async () => {
      let rows = 0;
      for await (const chunk of memory.stream(file)) rows += chunk.rows;
      return rows;
    };
    expect(await Promise.all([count(), count(), count()])).toEqual([100_000, 100_000, 100_000]);
  });
});
