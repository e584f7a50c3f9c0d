import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKernel, definePlugin, type KernelOptions } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it } from "vitest";
import { leftoversOf } from "../../src/testing/leftovers.js";
import { project, warningsDuring } from "../config/project.js";
import { stallDisk } from "../support/stalled-disk.js";

const endless = "await new Promise(() => {});\nexport default {};\n";
const gauge = definePlugin({
  name: "gauge",
  section: "gauge",
  schema: { type: "object", properties: { size: { type: "integer", default: 1 } } },
});

/** A kernel whose rc file can be read at first, and never ends once `hang` has been called. */
async function start(system: object) {
  const file = join(project({ ".mlmcprc.mjs": "export default { gauge: { size: 2 } };\n" }), ".mlmcprc.mjs");
  const kernel = await createTestKernel({ plugins: [gauge], configFile: file, config: { system } });
  return { kernel, file, hang: () => writeFileSync(file, endless) };
}

describe("a configuration that cannot be read to its end", () => {
  it.each<[string, KernelOptions]>([
    ["code", { config: { system: { startTimeout: 300 } } }],
    [
      "a variable",
      { config: { system: { startTimeout: "1h" } }, env: { MLMCP_SYSTEM_START_TIMEOUT: "300ms" } },
    ],
  ])("fails the start in the time that %s gives it, and names the file", async (_, options) => {
    const root = project({ "base.mjs": endless, ".mlmcprc.json": '{ "extends": "./base.mjs" }' });
    const starting = createKernel({ cwd: root, env: {}, autoload: false, ...options });
    await expect(starting).rejects.toMatchObject({
      code: "MLMCP_CONFIG_FILE",
      message: expect.stringMatching(/not read within 300 ms \(system\.startTimeout\).*base\.mjs/),
      context: { issues: [{ source: { kind: "file", name: join(root, "base.mjs") } }] },
    });
  });

  it("fails the start where the disk does not answer, and says what was looked for", async () => {
    const cwd = project({ ".git/": "", ".mlmcprc.yaml": "" });
    stallDisk();
    const starting = createKernel({ cwd, env: { MLMCP_SYSTEM_START_TIMEOUT: "300" }, autoload: false });
    await expect(starting).rejects.toThrow(`the search for an rc file from ${cwd} upwards`);
  });

  it("fails a reload in time, which leaves everything as it was", async () => {
    const { kernel, file, hang } = await start({ startTimeout: 300 });
    hang();
    await expect(kernel.reload()).rejects.toMatchObject({
      context: { issues: [{ source: { name: file } }] },
    });
    expect(await kernel.config.validate()).toMatchObject([{ message: expect.stringContaining("300 ms") }]);
    expect(kernel.config.get("gauge.size")).toBe(2);
    writeFileSync(file, "export default { gauge: { size: 3 } };// mended\n");
    await kernel.reload();
    expect(kernel.config.get("gauge.size")).toBe(3);
    await kernel.stop();
  });

  it("does not hold up a stop: what reads it is told so, and leaves no timer", async () => {
    const { kernel, hang } = await start({ startTimeout: "1h" });
    hang();
    const left = await leftoversOf(async () => {
      const reload = expect(kernel.reload()).rejects.toMatchObject({ code: "MLMCP_KERNEL_STOPPED" });
      const problems = expect(kernel.config.validate()).rejects.toMatchObject({
        code: "MLMCP_KERNEL_STOPPED",
      });
      const use = expect(kernel.use(definePlugin({ name: "later" }))).rejects.toThrow(/is stopping/);
      await kernel.stop();
      await Promise.all([reload, problems, use]);
    });
    // A read of a file that has begun ends by itself.
    expect(left).not.toContain("a timeout");
  });

  it("does not hold up a stop either where the disk does not answer while values are read", async () => {
    const secret = join(project({ size: "7" }), "size");
    const env: NodeJS.ProcessEnv = {};
    const kernel = await createTestKernel({ plugins: [gauge], env });
    env["MLMCP_GAUGE_SIZE_FILE"] = secret;
    stallDisk();
    const change = expect(kernel.config.set("system.debug", false)).rejects.toThrow(/is stopping/);
    await kernel.stop();
    await change;
  });

  it("fails a change whose values cannot be read in time", async () => {
    const secret = join(project({ size: "7" }), "size");
    const env: NodeJS.ProcessEnv = {};
    const config = { system: { startTimeout: 300 } };
    await using kernel = await createTestKernel({ plugins: [gauge], env, config });
    env["MLMCP_GAUGE_SIZE_FILE"] = secret;
    const goOn = stallDisk();
    await expect(kernel.config.set("gauge.size", 5)).rejects.toMatchObject({
      code: "MLMCP_CONFIG_FILE",
      message: expect.stringMatching(/files and secrets.*300 ms \(system\.startTimeout\)/),
    });
    goOn();
    await kernel.reload();
    expect(kernel.config.get("gauge.size")).toBe(7);
  });
});

describe("an audit log that takes nothing", () => {
  it("is a warning in time, and the change takes effect", async () => {
    const root = project();
    const file = join(root, "audit.jsonl");
    const config = { system: { auditLog: file, stopTimeout: 60 } };
    const kernel = await createTestKernel({ plugins: [gauge], config });
    const goOn = stallDisk();
    const warnings = await warningsDuring(() => kernel.config.set("gauge.size", 5));
    expect(warnings).toMatchObject([
      {
        code: "MLMCP_AUDIT_LOG",
        message: expect.stringMatching(/audit\.jsonl.*within 60 ms \(system\.stopTimeout\)/),
      },
    ]);
    expect(kernel.config.get("gauge.size")).toBe(5);
    goOn();
    await kernel.stop();
  });
});
