import { resolve } from "node:path";
import { appendAudit, type AuditEntry } from "../config/writing/audit-log.js";
import type { ConfigReader } from "../config/reader.js";

/**
 * Where the command line writes what it does: `system.auditLog`, else `.mlmcp/audit.jsonl` beside
 * the rc file.
 *
 * @param directory of the rc file. Default: that of the one that was read
 */
export function auditFile(config: Pick<ConfigReader, "cwd" | "get">, directory = config.cwd): string {
  return resolve(directory, config.get("system.auditLog") ?? ".mlmcp/audit.jsonl");
}

/**
 * Does something that the audit log must know of: a line before it (`outcome: "begun"`, so that
 * nothing happens where the log cannot be written, and a crash leaves a trace) and one after it
 * (`"done"`, or `"failed"` with the error's message).
 */
export async function audited<T>(file: string, entry: AuditEntry, act: () => T | Promise<T>): Promise<T> {
  await appendAudit(file, { ...entry, outcome: "begun" });
  let result: T;
  try {
    result = await act();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // The error itself matters more than a log that has become unwritable meanwhile.
    await appendAudit(file, { ...entry, outcome: "failed", error: message }).catch(() => undefined);
    throw error;
  }
  await appendAudit(file, { ...entry, outcome: "done" });
  return result;
}
