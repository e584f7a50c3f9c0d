import { chmodSync } from "node:fs";
import { join } from "node:path";
import { definePlugin, retry, type KernelOptions } from "@mlmcp/core";
import { afterAll, describe, expect, it } from "vitest";
import { configShadowed } from "../../src/diagnostics/config-shadowed.js";
import { fileRights } from "../../src/diagnostics/file-rights.js";
import { production } from "../../src/diagnostics/production.js";
import { storeReachable } from "../../src/diagnostics/store-reachable.js";
import { unknownOperation } from "../../src/diagnostics/unknown-operation.js";
import { unknownVariable } from "../../src/diagnostics/unknown-variable.js";
import { project } from "../config/project.js";
import { findings, inspect } from "./inspect.js";

const vault = definePlugin({
  name: "vault",
  section: "vault",
  schema: {
    type: "object",
    properties: {
      ttl: { duration: true, default: "1h" },
      key: { type: "string", secret: true },
      remote: { type: "object", default: {}, properties: { url: { type: "string" } } },
    },
  },
});

class Reports {
  @retry(1)
  async load(): Promise<number> {
    return 1;
  }
}
// Operations are held weakly: without a reference the class could be collected before its test.
afterAll(() => void Reports);

/** Options of a kernel in a directory with this rc file. */
function withFile(text: string, more: KernelOptions = {}): KernelOptions & { cwd: string } {
  const cwd = project({ ".mlmcprc.yaml": text, ".git/": "" });
  chmodSync(join(cwd, ".mlmcprc.yaml"), 0o644);
  return { cwd, configFile: join(cwd, ".mlmcprc.yaml"), plugins: [vault], ...more };
}

describe("config-shadowed", () => {
  it("finds a setting of the file that a variable overrides", async () => {
    const options = withFile("vault:\n  ttl: 5m\n  remote: { url: a }\n", {
      env: { MLMCP_VAULT_TTL: "7m", MLMCP_VAULT_REMOTE__URL: "b" },
    });
    expect(await findings(configShadowed, options)).toEqual([
      {
        level: "warning",
        message: "vault.ttl stands in .mlmcprc.yaml:2, but MLMCP_VAULT_TTL overrides it.",
        mend: "Unset MLMCP_VAULT_TTL, or remove vault.ttl from the file.",
      },
      expect.objectContaining({
        message: expect.stringContaining("vault.remote.url stands in .mlmcprc.yaml:3"),
      }),
    ]);
  });

  it("does not find its mended twins: only the file, only the variable, or both the same", async () => {
    expect(await findings(configShadowed, withFile("vault: { ttl: 5m }\n"))).toEqual([]);
    const env = { MLMCP_VAULT_TTL: "300000" };
    expect(await findings(configShadowed, withFile("vault: {}\n", { env }))).toEqual([]);
    expect(await findings(configShadowed, withFile("vault: { ttl: 300000 }\n", { env }))).toEqual([]);
  });

  it("does not tell a secret", async () => {
    const options = withFile("vault: { key: of-the-file }\n", {
      env: { MLMCP_VAULT_KEY: "of-the-variable" },
    });
    const found = await findings(configShadowed, options);
    expect(found).toHaveLength(1);
    expect(JSON.stringify(found)).not.toMatch(/of-the-file|of-the-variable/);
  });
});

describe("unknown-variable", () => {
  it("finds a variable that sets nothing, and not its mended twin", async () => {
    const config = (name: string) => ({ plugins: [vault], env: { [name]: "5m" } });
    expect(await findings(unknownVariable, config("MLMCP_VAULT_TLL"))).toEqual([
      {
        level: "warning",
        message: "MLMCP_VAULT_TLL sets nothing: no loaded plugin knows it.",
        mend: "Write MLMCP_VAULT_TTL.",
      },
    ]);
    expect(await findings(unknownVariable, config("MLMCP_VAULT_TTL"))).toEqual([]);
  });
});

describe("unknown-operation", () => {
  it("finds settings that change nothing, and not their mended twins", async () => {
    const config = (id: string, advice: string) => ({ operations: { [id]: { [advice]: false } } });
    expect(await findings(unknownOperation, { config: config("Reports.laod", "retry") })).toEqual([
      {
        level: "warning",
        message: expect.stringMatching(/^operations\."Reports\.laod" \(createKernel.*no operation known/),
        mend: 'Write "Reports.load".',
      },
    ]);
    expect(await findings(unknownOperation, { config: config("Reports.load", "degrade") })).toEqual([
      expect.objectContaining({
        message: expect.stringContaining("Reports.load has no @degrade (it has @retry)"),
      }),
    ]);
    expect(await findings(unknownOperation, { config: config("Reports.load", "retry") })).toEqual([]);
    expect(await findings(unknownOperation, { config: config("Nothing.*", "retry") })).toEqual([]);
  });
});

describe("production", () => {
  const nervous = definePlugin({
    name: "nervous",
    productionChecks: [
      { name: "token", check: () => ({ level: "refuse", message: "There is no token." }) },
      { name: "pool", check: () => ({ level: "warn", message: "The pool is small." }) },
    ],
  });
  const rule = (system: object) => findings(production, { plugins: [nervous], config: { system } });

  it("warns elsewhere of what would refuse a start, and calls it an error there", async () => {
    expect(await rule({})).toEqual([
      {
        level: "warning",
        message: "Production would refuse to start: There is no token. (nervous/token)",
        mend: expect.stringContaining('system.production.allow: ["nervous/token"]'),
      },
      expect.objectContaining({
        level: "warning",
        message: "In production: The pool is small. (nervous/pool)",
      }),
    ]);
    expect((await rule({ environment: "production" }))[0]).toMatchObject({
      level: "error",
      message: "Production refuses to start: There is no token. (nervous/token)",
    });
  });

  it("does not find what is accepted", async () => {
    expect(await rule({ production: { allow: ["nervous/token"] } })).toEqual([
      expect.objectContaining({ message: expect.stringContaining("nervous/pool") }),
    ]);
  });
});

describe("store-reachable", () => {
  const store = (up: boolean) =>
    definePlugin({
      name: "store",
      healthChecks: [
        () => ({
          name: "ping",
          check: () => (up ? { status: "up" } : { status: "down", details: { error: "refused" } }),
        }),
      ],
    });

  it("finds a store that does not answer, and not its mended twin", async () => {
    const subject = await inspect({ plugins: [store(false)] });
    await subject.kernel.start();
    expect(await storeReachable.diagnose(subject)).toEqual([
      {
        level: "error",
        message: 'The health check store/ping is down. {"error":"refused"}',
        mend: expect.any(String),
      },
    ]);
    const mended = await inspect({ plugins: [store(true)] });
    await mended.kernel.start();
    expect(await storeReachable.diagnose(mended)).toEqual([]);
  });
});

describe.skipIf(process.platform === "win32")("file-rights", () => {
  const found = async (options: KernelOptions) =>
    (await findings(fileRights, options)).map(({ level, message, mend }) => ({ level, message, mend }));

  it("finds a configuration file that everybody may change, and not its mended twin", async () => {
    const options = withFile("vault: {}\n");
    const file = join(options.cwd, ".mlmcprc.yaml");
    chmodSync(file, 0o666);
    expect(await found(options)).toEqual([
      {
        level: "error",
        message: `Every user of the machine may change the configuration file ${file} (mode 0666).`,
        mend: `chmod o-w ${file}`,
      },
    ]);
    chmodSync(file, 0o664);
    expect(await found(options)).toEqual([]);
  });

  it("finds a configuration file with a secret that everybody may read, and not its mended twin", async () => {
    const options = withFile("vault: { key: kJ8vQ2mZ7pW4xTkJ8vQ2 }\n");
    const file = join(options.cwd, ".mlmcprc.yaml");
    expect(await found(options)).toEqual([
      expect.objectContaining({ level: "warning", mend: `chmod 600 ${file}` }),
    ]);
    chmodSync(file, 0o600);
    expect(await found(options)).toEqual([]);
  });

  it("looks at files that hold secrets and at extended files", async () => {
    const options = withFile("extends: ./base.yaml\n");
    const cwd = project({
      ".mlmcprc.yaml": "extends: ./base.yaml\n",
      "base.yaml": "vault: {}\n",
      key: "kJ8vQ2",
    });
    chmodSync(join(cwd, ".mlmcprc.yaml"), 0o644);
    chmodSync(join(cwd, "base.yaml"), 0o646);
    chmodSync(join(cwd, "key"), 0o644);
    const project2 = {
      ...options,
      cwd,
      configFile: join(cwd, ".mlmcprc.yaml"),
      env: { MLMCP_VAULT_KEY_FILE: join(cwd, "key") },
    };
    expect(await found(project2)).toEqual([
      expect.objectContaining({ level: "error", mend: `chmod o-w ${join(cwd, "base.yaml")}` }),
      expect.objectContaining({
        level: "warning",
        message: `Every user of the machine may read the secret file ${join(cwd, "key")} (mode 0644).`,
      }),
    ]);
    chmodSync(join(cwd, "base.yaml"), 0o644);
    chmodSync(join(cwd, "key"), 0o400);
    expect(await found(project2)).toEqual([]);
  });

  it("looks at the audit log", async () => {
    const options = withFile("system: { auditLog: audit.log }\n");
    const { cwd } = options;
    const log = project({ "audit.log": "" });
    chmodSync(join(log, "audit.log"), 0o644);
    const env = { MLMCP_SYSTEM_AUDIT_LOG: join(log, "audit.log") };
    expect(await found({ ...options, cwd, env })).toEqual([
      expect.objectContaining({ level: "warning", mend: `chmod 600 ${join(log, "audit.log")}` }),
    ]);
    chmodSync(join(log, "audit.log"), 0o600);
    expect(await found({ ...options, cwd, env })).toEqual([]);
  });
});
