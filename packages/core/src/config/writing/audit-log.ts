import { appendFile, mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { ConfigurationError } from "../../errors/index.js";

/** Something that was done to a running service or its files, for those who ask later who did it. */
export interface AuditEntry {
  /** What was done: `config.set`, `reload`, `cache clear`. */
  readonly action: string;
  readonly by: "cli" | "kernel";
  /** What changed, with secrets redacted already; a side that is missing was not set. */
  readonly changes?: ReadonlyArray<{
    readonly path: string;
    readonly from?: unknown;
    readonly to?: unknown;
    /** Where the new value was written, in short. */
    readonly source?: string;
  }>;
  readonly [detail: string]: unknown;
}

/**
 * Adds one line of JSON to an audit log: the entry, and when (`time`, ISO 8601), by which process
 * (`pid`) and whose (`user`). The file and its directory are made where they are missing, readable
 * to their owner only.
 *
 * @throws ConfigurationError `MLMCP_AUDIT_LOG` where it cannot be written.
 */
export async function appendAudit(file: string, entry: AuditEntry): Promise<void> {
  const line = JSON.stringify({ time: new Date().toISOString(), pid: process.pid, user: user(), ...entry });
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    // In one write, so that the lines of several processes do not mix.
    await appendFile(file, `${line}\n`, { mode: 0o600 });
  } catch (cause) {
    throw new ConfigurationError(
      `The audit log ${file} (system.auditLog) cannot be written: ${(cause as Error).message}`,
      { code: "MLMCP_AUDIT_LOG", cause, context: { file, action: entry.action } },
    );
  }
}

function user(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the id may have no name.
    return String(process.getuid?.() ?? "unknown");
  }
}
