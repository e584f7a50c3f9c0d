import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";

export type ExpectedRow = Record<string, number | string | null>;

/** What the queries of `expected.sql` give, by name. */
export async function expectedResults(
  flights: string,
  airports: string,
): Promise<Record<string, ExpectedRow[]>> {
  const script = readFileSync(fileURLToPath(new URL("expected.sql", import.meta.url)), "utf8");
  const [, ...blocks] = script.split(/^-- name: /m);
  const instance = await DuckDBInstance.create(":memory:", { memory_limit: "1GiB" });
  const connection = await instance.connect();
  try {
    await connection.run("SET VARIABLE flights = $flights", { flights });
    await connection.run("SET VARIABLE airports = $airports", { airports });
    const results: Record<string, ExpectedRow[]> = {};
    for (const block of blocks) {
      const end = block.indexOf("\n");
      const reader = await connection.runAndReadAll(block.slice(end));
      results[block.slice(0, end)] = reader.getRowObjectsJS().map(plain);
    }
    return results;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function plain(row: Record<string, unknown>): ExpectedRow {
  const values = Object.entries(row).map(([name, value]) => [
    name,
    typeof value === "bigint" ? Number(value) : value,
  ]);
  return Object.fromEntries(values) as ExpectedRow;
}
