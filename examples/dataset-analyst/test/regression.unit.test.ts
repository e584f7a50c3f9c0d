import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { fit, momentsOf, total } from "../src/regression.js";

/** The same line from DuckDB. */
async function regr(points: readonly (readonly [x: number, y: number])[]) {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const values = points.map(([x, y]) => `(${x}, ${y})`).join(", ");
  const reader = await connection.runAndReadAll(
    `SELECT regr_slope(y, x) AS slope, regr_intercept(y, x) AS intercept, regr_r2(y, x) AS r2 FROM (VALUES ${values}) t(x, y)`,
  );
  connection.closeSync();
  instance.closeSync();
  return reader.getRowObjectsJS()[0] as Record<"slope" | "intercept" | "r2", number>;
}

const momentsOfPoints = (points: readonly (readonly [x: number, y: number])[]) =>
  momentsOf(
    Float64Array.from(points, ([x]) => x),
    Float64Array.from(points, ([, y]) => y),
  );

describe("fit", () => {
  it("finds a line that all points are on", () => {
    expect(
      fit(
        momentsOfPoints([
          [0, 3],
          [10, 8],
          [20, 13],
        ]),
      ),
    ).toEqual({ slope: 0.5, intercept: 3, r2: 1 });
  });

  it("agrees with DuckDB where they are not", async () => {
    const points = Array.from({ length: 500 }, (_, i) => [(i * 37) % 1440, ((i * 7919) % 211) - 40] as const);
    const { slope, intercept, r2 } = fit(momentsOfPoints(points));
    const other = await regr(points);
    expect([slope, intercept, r2]).toEqual([
      expect.closeTo(other.slope, 12),
      expect.closeTo(other.intercept, 10),
      expect.closeTo(other.r2, 10),
    ]);
  });

  it("is the mean where all x are the same", () => {
    expect(fit(momentsOfPoints([[600, 4]]))).toEqual({ slope: 0, intercept: 4, r2: 0 });
    expect(
      fit(
        momentsOfPoints([
          [600, 4],
          [600, 8],
        ]),
      ),
    ).toEqual({ slope: 0, intercept: 6, r2: 0 });
  });

  it("explains all where all y are the same", () => {
    expect(
      fit(
        momentsOfPoints([
          [1, 4],
          [2, 4],
        ]),
      ),
    ).toEqual({ slope: 0, intercept: 4, r2: 1 });
  });
});

describe("total", () => {
  it("is what all samples together have", () => {
    const parts = [
      [
        [1, 2],
        [3, 4],
      ],
      [[5, 6]],
      [
        [7, 8],
        [9, 11],
      ],
    ] as const;
    expect(total(parts.map(momentsOfPoints))).toEqual(momentsOfPoints(parts.flat()));
  });
});
