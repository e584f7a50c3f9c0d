import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { MemoryOptimizer, type MemoryOptions } from "@mlmcp/plugin-memory";
import { onTestFinished } from "vitest";

/** A directory of the test's own. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mlmcp-memory-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A file of the test's own. */
export async function temporaryFile(name: string, content: string | Buffer): Promise<string> {
  const file = join(await temporaryDirectory(), name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

/** A Parquet file with the result of a query. */
export async function parquetFile(sql: string): Promise<string> {
  const file = join(await temporaryDirectory(), "data.parquet");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`COPY (${sql}) TO '${file}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  return file;
}

/** An optimizer that is closed after the test. */
export function optimizer(options?: Partial<MemoryOptions>): MemoryOptimizer {
  const memory = new MemoryOptimizer(options);
  onTestFinished(() => memory[Symbol.asyncDispose]());
  return memory;
}

/** Numbers that look random and are the same in every run (a linear congruential generator). */
export function* pseudoRandom(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}
