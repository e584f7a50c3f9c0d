import { closeSync, constants, openSync, readFileSync, readSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { appendAudit } from "../../../src/config/writing/audit-log.js";
import { makePipe } from "../../support/named-pipe.js";
import { project } from "../project.js";

describe("the audit log", () => {
  it("gets one line of JSON for each entry, with the time, the process and the user", async () => {
    const file = join(project(), "logs/audit.jsonl");
    const changes = [{ path: "cache.ttl", from: 1, to: "two\nlines" }];
    await Promise.all([
      appendAudit(file, { action: "config.set", by: "cli", changes }),
      appendAudit(file, { action: "cache clear", by: "cli", forced: true }),
    ]);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const entries = lines.map((line) => JSON.parse(line) as { action: string; time: string });
    const common = { by: "cli", pid: process.pid, user: userInfo().username };
    expect(entries.toSorted((a, b) => a.action.localeCompare(b.action))).toEqual([
      { time: expect.any(String), ...common, action: "cache clear", forced: true },
      { time: expect.any(String), ...common, action: "config.set", changes },
    ]);
    for (const { time } of entries) expect(new Date(time).toISOString()).toBe(time);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("says which file cannot be written", async () => {
    const root = project({ file: "" });
    await expect(
      appendAudit(join(root, "file/audit.jsonl"), { action: "config.set", by: "cli" }),
    ).rejects.toMatchObject({ code: "MLMCP_AUDIT_LOG", message: expect.stringContaining("system.auditLog") });
  });

  it.skipIf(process.platform !== "linux")("gives up where no folder can be made", async () => {
    await expect(
      appendAudit("/proc/mlmcp/audit.jsonl", { action: "reload", by: "kernel" }),
    ).rejects.toMatchObject({
      code: "MLMCP_AUDIT_LOG",
      message: expect.stringContaining("/proc takes no folders"),
    });
  });

  it("does not wait for somebody to read a pipe, and writes to one that is read", async () => {
    const pipe = join(project(), "audit");
    makePipe(pipe);
    const entry = { action: "reload", by: "kernel" } as const;
    await expect(appendAudit(pipe, entry)).rejects.toMatchObject({
      code: "MLMCP_AUDIT_LOG",
      message: expect.stringContaining("a pipe that nobody reads"),
    });
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    await appendAudit(pipe, entry);
    const read = Buffer.alloc(1_000);
    expect(JSON.parse(read.toString("utf8", 0, readSync(reader, read)))).toMatchObject(entry);
    // Nobody empties it any more: what does not fit is an error.
    await expect(appendAudit(pipe, { ...entry, text: "x".repeat(100_000) })).rejects.toThrow(/EAGAIN/);
    closeSync(reader);
  });
});
