import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { ConfigurationError } from "../../errors/index.js";
import { makeFolder } from "./make-folder.js";

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
 * to their owner only. A pipe that nobody reads is an error at once, and not a wait for a reader.
 *
 * @throws ConfigurationError `MLMCP_AUDIT_LOG` where it cannot be written.
 */
export async function appendAudit(file: string, entry: AuditEntry): Promise<void> {
  const line = JSON.stringify({ time: new Date().toISOString(), pid: process.pid, user: user(), ...entry });
  try {
    await makeFolder(dirname(file), 0o700);
    const handle = await open(file, APPENDING, 0o600);
    try {
      // In one write, so that the lines of several processes do not mix.
      await handle.writeFile(`${line}\n`);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === "ENXIO" ? "it is a pipe that nobody reads" : message;
    throw new ConfigurationError(`The audit log ${file} (system.auditLog) cannot be written: ${reason}`, {
      code: "MLMCP_AUDIT_LOG",
      cause,
      context: { file, action: entry.action },
    });
  }
}

/** Windows has no such pipes, nor the flag. */
const APPENDING = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);

function user(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the id may have no name.
    return String(process.getuid?.() ?? "unknown");
  }
}
