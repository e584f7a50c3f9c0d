import { resolve } from "node:path";
import { appendAudit } from "../config/writing/audit-log.js";
import { changedPaths, type ConfigChange } from "../config/changes.js";
import { describeSource } from "../config/reader.js";
import type { ChangeCause } from "./events.js";

/**
 * Writes a change that has taken effect into the audit log, if one is kept (`system.auditLog`).
 * One that turns the log off is its last line. A log that cannot be written is a warning.
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
  try {
    await appendAudit(resolve(config.cwd, log), { action, by: "kernel", cause: by, changes });
  } catch (error) {
    process.emitWarning((error as Error).message, { code: "MLMCP_AUDIT_LOG" });
  }
}
