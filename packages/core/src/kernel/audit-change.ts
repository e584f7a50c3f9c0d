import { resolve } from "node:path";
import { appendAudit } from "../config/writing/audit-log.js";
import { changedPaths, type ConfigChange } from "../config/changes.js";
import { describeSource } from "../config/reader.js";
import type { ChangeCause } from "./events.js";
import { within } from "./time-limit.js";

/**
 * Writes a change that has taken effect into the audit log, if one is kept (`system.auditLog`).
 * One that turns the log off is its last line. A log that cannot be written, or not in the time
 * that a stop has, which would wait for it, is a warning.
 */
export async function auditChange(change: ConfigChange, by: ChangeCause): Promise<void> {
  const { config, previous } = change;
  const log = config.get("system.auditLog") ?? previous.get("system.auditLog");
  if (log === undefined) return;
  const changes = changedPaths(change).map((one) => ({
    ...one,
    source: describeSource(config.explain(one.path).source),
  }));
  if (changes.length === 0) return;
  const action = by === "set" ? "config.set" : "reload";
  const file = resolve(config.cwd, log);
  const limit = config.get("system.stopTimeout");
  const late =
    `The audit log ${file} (system.auditLog) has not taken a change within ${limit} ms (system.stopTimeout): ` +
    "the change may be missing there.";
  try {
    await within(limit, () => appendAudit(file, { action, by: "kernel", cause: by, changes }), late);
  } catch (error) {
    process.emitWarning((error as Error).message, { code: "MLMCP_AUDIT_LOG" });
  }
}
