import type { Connection } from "./connection.js";
import { isBusy, messageOf } from "./errors.js";
import { applicationId, schemaVersion } from "./schema.js";

interface Check {
  readonly sql: string;
  /** What is wrong, where something is. */
  problem(found: unknown): string | undefined;
}

/** What is asked beside SQLite's own check. */
const checks: readonly Check[] = [
  expected("application_id", applicationId),
  expected("user_version", schemaVersion),
  expected("journal_mode", "wal"),
  expected("auto_vacuum", 2),
  none(
    "SELECT count(*) FROM entries WHERE typeof(value) <> 'blob' OR typeof(expires) <> 'integer'",
    "entries have columns of another type",
  ),
  none(
    "SELECT count(*) FROM locks WHERE fence > (SELECT seq FROM sqlite_sequence WHERE name = 'locks')",
    "locks are ahead of their counter",
  ),
];

function expected(pragma: string, wanted: unknown): Check {
  return {
    sql: `PRAGMA ${pragma}`,
    problem: (found) =>
      found === wanted ? undefined : `${pragma} is ${String(found)}, not ${String(wanted)}`,
  };
}

function none(sql: string, problem: string): Check {
  return { sql, problem: (found) => (found === 0 ? undefined : `${String(found)} ${problem}`) };
}

/** What is wrong with a file, a line each. @throws Error where it cannot be asked just now */
export async function problemsOf(connection: Connection): Promise<string[]> {
  try {
    const rows = await connection.all("PRAGMA integrity_check");
    const problems = rows.map((row) => String(Object.values(row)[0])).filter((line) => line !== "ok");
    for (const { sql, problem } of checks) {
      const line = problem(await connection.value(sql));
      if (line !== undefined) problems.push(line);
    }
    return problems;
  } catch (error) {
    if (isBusy(error)) throw error;
    return [messageOf(error)];
  }
}
