import { join } from "node:path";
import { onTestFinished, vi, type MockInstance } from "vitest";
import { Connection } from "../../../src/stores/sqlite/connection.js";
import { SqliteStore, type SqliteOptions } from "../../../src/stores/sqlite/sqlite-store.js";
import type { StoredEntry } from "../../../src/stores/store.js";
import { temporaryDirectory } from "../../temporary.js";

/** A path for a cache file that does not exist. */
export function freshPath(): string {
  return join(temporaryDirectory(), "cache.db");
}

/** A store that is closed when the test is over. */
export async function openStore(file = freshPath(), options: SqliteOptions = {}): Promise<SqliteStore> {
  const store = await SqliteStore.open(file, options);
  onTestFinished(() => store.close());
  return store;
}

export const bytes = (text: string): Buffer => Buffer.from(text);

export function entry(text = "x", { operation = "A.b", in: ms = 60_000 } = {}): StoredEntry {
  return { operation, bytes: bytes(text), expires: Date.now() + ms };
}

export async function textOf(store: SqliteStore, key: string): Promise<string | undefined> {
  const found = await store.get(key);
  return found && Buffer.from(found.bytes).toString();
}

/** What SQLite itself answers to each statement, asked on a connection of its own. */
export async function ask(file: string, ...statements: string[]): Promise<unknown[]> {
  const connection = await Connection.open(file, { busyTimeout: 2_000, create: true });
  try {
    const answers: unknown[] = [];
    for (const statement of statements) answers.push(await connection.value(statement));
    return answers;
  } finally {
    await connection.close();
  }
}

/** Holds the write lock, as another process would, until it is told to let go. */
export async function holdLock(file: string): Promise<() => Promise<void>> {
  const connection = await Connection.open(file, { busyTimeout: 2_000 });
  await connection.all("BEGIN IMMEDIATE");
  let release: (() => Promise<void>) | undefined = async () => {
    release = undefined;
    await connection.all("COMMIT");
    await connection.close();
  };
  onTestFinished(() => release?.());
  return release;
}

/** The process warnings of the test. */
export function spyOnWarnings(): MockInstance<typeof process.emitWarning> {
  const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  onTestFinished(() => warnings.mockRestore());
  return warnings;
}
