import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { definePlugin } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { project, warningsDuring } from "../config/project.js";

const plugin = definePlugin({
  name: "gauge",
  section: "gauge",
  schema: {
    type: "object",
    properties: { size: { type: "integer", default: 1 }, token: { type: "string", secret: true } },
  },
});

async function start(text: string) {
  const root = project({ ".mlmcprc.yaml": text });
  const file = join(root, ".mlmcprc.yaml");
  const kernel = await createTestKernel({ plugins: [plugin], configFile: file });
  onTestFinished(() => kernel.stop());
  const entries = (name = "logs/audit.jsonl") =>
    readFileSync(join(root, name), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { kernel, root, file, entries };
}

describe("system.auditLog", () => {
  it("keeps each change of the effective configuration, with secrets hidden", async () => {
    const { kernel, file, entries } = await start(
      "system: { auditLog: logs/audit.jsonl }\ngauge: { token: old }\n",
    );
    await kernel.config.set({ "gauge.size": 2, "gauge.token": "new" });
    await kernel.config.set("gauge.size", 2);
    await kernel.reload();
    await expect(kernel.config.set("gauge.size", "many")).rejects.toThrow();
    writeFileSync(
      file,
      "system: { auditLog: logs/audit.jsonl }\ngauge: { token: old }\noperations: { 'A*': { retry: 5 } }\n",
    );
    await kernel.reload();
    expect(entries()).toMatchObject([
      {
        action: "config.set",
        by: "kernel",
        cause: "set",
        changes: [
          { path: "gauge.token", from: "[secret]", to: "[secret]", source: "config.set()" },
          { path: "gauge.size", from: 1, to: 2, source: "config.set()" },
        ],
      },
      {
        action: "reload",
        cause: "reload",
        changes: [{ path: "operations", to: { "A*": { retry: 5 } }, source: ".mlmcprc.yaml:3" }],
      },
    ]);
    expect(JSON.stringify(entries())).not.toMatch(/old|new/);
  });

  it("ends with the change that turns it off, and may begin with a change", async () => {
    const { kernel, file, entries } = await start("gauge: { size: 2 }\n");
    writeFileSync(file, "system: { auditLog: a.jsonl }\ngauge: { size: 3 }\n");
    await kernel.reload();
    writeFileSync(file, "gauge: { size: 4 }\n");
    await kernel.reload();
    await kernel.config.set("gauge.size", 5);
    expect(entries("a.jsonl")).toHaveLength(2);
  });

  it("is a warning where it cannot be written, and the change takes effect", async () => {
    const { kernel, root } = await start("system: { auditLog: taken }\n");
    mkdirSync(join(root, "taken"));
    const warnings = await warningsDuring(() => kernel.config.set("gauge.size", 2));
    expect(warnings).toMatchObject([{ code: "MLMCP_AUDIT_LOG", message: expect.stringContaining("taken") }]);
    expect(kernel.config.get("gauge.size")).toBe(2);
  });
});
