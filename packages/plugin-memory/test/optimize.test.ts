import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ColumnValues, Narrowing } from "@mlmcp/plugin-memory";
import { optimizer, parquetFile, temporaryFile } from "./fixtures.js";

const storages = ({ columns }: Narrowing) => Object.fromEntries(columns.map(({ name, to }) => [name, to]));
const valuesOf = ({ table }: Narrowing, name: string) => [...table.column(name)];

describe("optimize, a table in memory", () => {
  it("takes the smallest integers that hold all values", async () => {
    const narrowing = await optimizer().optimize({
      u8: [0, 255],
      i8: [-128, 127],
      u16: [0, 65_535],
      i16: [-129, 0],
      u32: [0, 4_294_967_295],
      i32: [-2_147_483_648, 0],
      f64: [0.1 + 0.2, 1e300],
      i64: [-(2n ** 63n), 2n ** 62n],
      u64: [0n, 2n ** 64n - 1n],
    });
    expect(storages(narrowing)).toEqual({
      u8: "Uint8",
      i8: "Int8",
      u16: "Uint16",
      i16: "Int16",
      u32: "Uint32",
      i32: "Int32",
      f64: "Float64",
      i64: "Int64",
      u64: "Uint64",
    });
  });

  it("keeps decimals that integers give back, and never makes a Float32 of a Float64", async () => {
    const prices = [19.99, -0.01, 1234.5, 0];
    const exact = [1 / 3, 2, 3, 4];
    const signed = [-0, 1, 2, 3];
    const missing = [NaN, 1, 2, 3];
    const narrowing = await optimizer().optimize({ prices, exact, signed, missing });
    expect(storages(narrowing)).toEqual({
      prices: "Int32 in units of 1/100",
      exact: "Float64",
      signed: "Float64",
      missing: "Float64",
    });
    expect(valuesOf(narrowing, "prices")).toEqual(prices);
    expect(valuesOf(narrowing, "exact")).toEqual(exact);
    expect(valuesOf(narrowing, "signed")).toEqual(signed);
    expect(narrowing.table.arrow.getChild("prices")!.get(0)).toBe(1999);
  });

  it("says what was done to each column", async () => {
    const { table, columns } = await optimizer().optimize({
      price: [19.99, 5],
      city: ["Rome", "Rome"],
      n: [1, 300],
    });
    expect(columns).toEqual([
      { name: "price", from: "number[]", to: "Uint16 in units of 1/100", bytesBefore: 16, bytesAfter: 4 },
      { name: "city", from: "string[]", to: "Dictionary<Uint8>", bytesBefore: 20, bytesAfter: 14 },
      { name: "n", from: "number[]", to: "Uint16", bytesBefore: 16, bytesAfter: 4 },
    ]);
    expect(table.column("price").get(0)).toBe(19.99);
  });

  it("counts bytes as the buffers have them", async () => {
    const rows = 1000;
    const cities = Array.from({ length: rows }, (_, row) => ["Amsterdam", "Köln"][row % 2]!);
    const { bytesBefore, bytesAfter, table, columns } = await optimizer().optimize({
      n: Float64Array.from(cities, (_, row) => row % 100),
      city: cities,
      flag: cities.map((_, row) => (row % 3 === 0 ? null : true)),
    });
    // Köln has five bytes in UTF-8; offsets have four each, bits for nulls one in eight.
    expect(columns.map(({ bytesBefore: before, bytesAfter: after }) => [before, after])).toEqual([
      [8 * rows, rows],
      [(rows / 2) * (9 + 5) + 4 * (rows + 1), rows + 9 + 5 + 4 * 3],
      [rows / 8 + rows / 8, rows / 8 + rows / 8],
    ]);
    expect(bytesBefore).toBe(8000 + 11_004 + 250);
    expect(bytesAfter).toBe(1000 + 1026 + 250);
    expect(table.bytes).toBe(bytesAfter);
  });

  it("gives back every value as it was, whatever it is, and never takes more bytes", async () => {
    const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
    const decimal = fc
      .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.constantFrom(1, 10, 100, 1e4, 1e6))
      .map(([n, scale]) => n / scale);
    const text = fc.string({ unit: "grapheme" });
    const column = fc.oneof(
      fc.array(nullable(fc.double())),
      fc.array(nullable(decimal)),
      fc.array(nullable(fc.integer())),
      fc.array(nullable(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))),
      fc.array(nullable(text)),
      fc.array(nullable(fc.constantFrom("a", "b", "ü"))),
      fc.array(nullable(fc.boolean())),
      fc.float32Array(),
      fc.float64Array(),
      fc.int16Array(),
      fc.uint32Array(),
    ) as fc.Arbitrary<ColumnValues>;
    const memory = optimizer();
    await fc.assert(
      fc.asyncProperty(column, async (values) => {
        const narrowing = await memory.optimize({ values });
        const back = valuesOf(narrowing, "values");
        const sameKind = Array.from(values, (value, row) =>
          typeof value === "bigint" ? BigInt(back[row] as number) : back[row],
        );
        expect(sameKind).toHaveLength(values.length);
        expect(sameKind.every((value, row) => Object.is(value, values[row]))).toBe(true);
        expect(narrowing.bytesAfter).toBeLessThanOrEqual(narrowing.bytesBefore);
      }),
      { numRuns: 500 },
    );
  });

  it("keeps dates as days where all are at midnight, else as points in time", async () => {
    const days = [new Date("2001-01-01"), new Date("1969-12-31"), null];
    const times = [new Date("2001-01-01T10:00:00.123Z"), null, new Date(-1)];
    const narrowing = await optimizer().optimize({ days, times });
    expect(storages(narrowing)).toEqual({ days: "DateDay", times: "TimestampMicrosecond" });
    expect(valuesOf(narrowing, "days")).toEqual([days[0]!.getTime(), days[1]!.getTime(), null]);
    expect(valuesOf(narrowing, "times")).toEqual([times[0]!.getTime(), null, -1]);
  });

  it("is read by other tools from Arrow's own format", async () => {
    const { tableFromIPC, tableToIPC } = await import("apache-arrow");
    const { table } = await optimizer().optimize({ price: [1.5, 2.25], city: ["Rome", null] });
    const read = tableFromIPC(tableToIPC(table.arrow));
    expect(read.schema.fields.map(({ name, metadata }) => [name, metadata.get("mlmcp:scale")])).toEqual([
      ["price", "100"],
      ["city", undefined],
    ]);
    expect(read.toArray().map((row) => ({ ...row }))).toEqual([
      { price: 150, city: "Rome" },
      { price: 225, city: null },
    ]);
  });

  it("leaves the given columns as they are", async () => {
    const columns = Object.freeze({ v: Object.freeze([3, null, 1]) });
    await optimizer().optimize(columns);
    expect(columns).toEqual({ v: [3, null, 1] });
  });

  it.each<[what: string, columns: Record<string, ColumnValues>, message: string]>([
    ["two types", { v: [1, "x"] }, 'Column "v" holds a string in row 1, but a number before it.'],
    ["an invalid date", { v: [new Date(NaN)] }, "an invalid Date"],
    ["half a character", { v: ["\ud800"] }, "half a character"],
    ["integers beyond 64 bits", { v: [2n ** 64n] }, "do not fit in 64 bits"],
    ["columns of two lengths", { v: [1, 2], w: [1] }, 'Column "w" has 1 rows, and "v" has 2.'],
  ])("refuses %s", async (_, columns, message) => {
    await expect(optimizer().optimize(columns)).rejects.toMatchObject({
      name: "DataLoadError",
      message: expect.stringContaining(message),
    });
  });

  it("takes the columns asked for, and names the nearest where one is missing", async () => {
    const memory = optimizer();
    const { table } = await memory.optimize({ delay: [1], distance: [2] }, { columns: ["distance"] });
    expect(table.columns).toEqual(["distance"]);
    expect(() => table.column("distanc")).toThrow(
      'The table has no column "distanc". Did you mean "distance"?',
    );
    await expect(memory.optimize({ delay: [1] }, { columns: ["dely"] })).rejects.toThrow(
      'no column "dely". Did you mean "delay"?',
    );
  });
});

describe("optimize, a file", () => {
  it("holds the file's values", async () => {
    const file = await parquetFile(
      `SELECT i::BIGINT AS i, (i - 500) / 4 AS quarter, ((i * 7919) % 1000) / 100 AS cents, 1 / (i + 1) AS exact,
       CASE WHEN i % 7 = 0 THEN NULL ELSE 'city ' || (i % 300) END AS city, 'unique ' || i AS id, i % 2 = 0 AS even,
       DATE '1960-01-01' + (i * 30)::INTEGER AS day, TIMESTAMP '1960-01-01' + INTERVAL (i * 1001) MINUTE AS "at", 1.25::DECIMAL(9, 2) AS price,
       NULL::BIGINT AS nothing, uuid() AS uuid
       FROM range(5000) t(i)`,
    );
    const memory = optimizer();
    const narrowing = await memory.optimize(file);
    expect(storages(narrowing)).toEqual({
      i: "Uint16",
      quarter: "Int32 in units of 1/100",
      cents: "Uint16 in units of 1/100",
      exact: "Float64",
      city: "Dictionary<Uint16>",
      id: "Utf8",
      even: "Bool",
      day: "DateDay",
      at: "TimestampMicrosecond",
      price: "Uint8 in units of 1/100",
      nothing: "Dictionary<Uint8>",
      uuid: "Utf8",
    });
    const rows = await memory.query(
      file,
      `SELECT * REPLACE (epoch_ms(day) AS day, epoch_ms("at") AS "at") FROM data`,
    );
    for (const name of narrowing.table.columns) {
      expect([name, valuesOf(narrowing, name)]).toEqual([name, rows.map((row) => row[name])]);
    }
    expect(narrowing.rows).toBe(5000);
    expect(narrowing.bytesAfter).toBeLessThan(narrowing.bytesBefore * 0.75);
    expect(narrowing.table.bytes).toBe(narrowing.bytesAfter);
  });

  it("keeps as text what nothing narrower holds exactly", async () => {
    const file = await parquetFile(
      `SELECT 12345678901234567.25::DECIMAL(20, 2) AS wide, 'infinity'::TIMESTAMP AS never, TIMESTAMP_NS '2020-01-01 00:00:00.000000001' AS ns`,
    );
    const narrowing = await optimizer().optimize(file);
    expect(narrowing.table.columns.map((name) => narrowing.table.column(name).get(0))).toEqual([
      "12345678901234567.25",
      "infinity",
      "2020-01-01 00:00:00.000000001",
    ]);
  });

  it("takes a column of CSV and reports one that is missing", async () => {
    const file = await temporaryFile("f.csv", "delay,city\n1,Rome\n300,Rome\n");
    const memory = optimizer();
    const { table, columns } = await memory.optimize(file, { columns: ["delay"] });
    expect([table.rows, columns.map(({ to }) => to)]).toEqual([2, ["Uint16"]]);
    await expect(memory.optimize(file, { columns: ["citty"] })).rejects.toThrow('Did you mean "city"?');
  });

  it("stops with the signal's reason", async () => {
    const file = await parquetFile("SELECT i, i * 31 % 1000003 AS j FROM range(3000000) t(i)");
    const controller = new AbortController();
    const running = optimizer().optimize(file, { signal: controller.signal });
    setImmediate(() => controller.abort(new Error("enough")));
    await expect(running).rejects.toThrow("enough");
  });
});
