import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Case, Contender } from "../harness/case.js";

const IMPORTED = "all imported, nothing started";
const BY_HAND = "cosmiconfig and ajv by hand, no plugins";

/** What a service would have: every section named, and a few operations tuned. */
const rcFile = `system: { environment: development, stopTimeout: 20s }
performance: { enableCaching: true }
cache: { store: "sqlite://cache.db", ttl: 30m, maxEntries: 5000 }
monitor: { slow: 2s }
parallel: {}
validation: { strictMode: false }
memory: {}
operations:
  "*": { timed: true }
  "Reports.*": { retry: { maxRetries: 5 } }
  "Reports.summarise": { cached: { ttl: 5m } }
profiles:
  production:
    cache: { ttl: 2h }
`;

/** A directory with the rc file, gone when the process has measured. */
function project(): { cwd: string; dispose(): void } {
  const cwd = mkdtempSync(join(tmpdir(), "mlmcp-start-"));
  writeFileSync(join(cwd, ".mlmcprc.yaml"), rcFile);
  return { cwd, dispose: () => rmSync(cwd, { recursive: true, force: true }) };
}

/** Makes the cache's file in a process of its own, so that nothing of it is warm in this one. */
function leaveCacheFile(cwd: string): void {
  const script = `
    import { SqliteAdapter } from "@mlmcp/plugin-cache/sqlite";
    await (await SqliteAdapter.open(${JSON.stringify(join(cwd, "cache.db"))})).disconnect();`;
  const here = dirname(fileURLToPath(import.meta.url));
  execFileSync(process.execPath, ["--input-type=module", "--eval", script], { cwd: here });
}

const importAll = () =>
  Promise.all([
    import("@mlmcp/core"),
    import("@mlmcp/plugin-cache"),
    import("@mlmcp/plugin-monitor"),
    import("@mlmcp/plugin-parallel"),
    import("@mlmcp/plugin-validate"),
    import("@mlmcp/plugin-memory"),
  ]);

const imported: Contender = {
  name: IMPORTED,
  partial: true,
  async setup() {
    await importAll();
    return { run: () => undefined, check: () => ({}) };
  },
};

const bare: Contender = {
  name: "kernel alone, no rc file",
  partial: true,
  async setup() {
    const [{ createKernel }] = await importAll();
    const start = () => createKernel({ configFile: false, env: {}, autoload: false });
    return {
      run: start,
      async check() {
        await using _ = await start();
        return {};
      },
    };
  },
};

/** @param hasCache whether there is a cache file, as at every start but the first */
const everything = (name: string, hasCache: boolean): Contender => ({
  name,
  async setup() {
    const [{ createKernel }, , , , , { default: memory }] = await importAll();
    const { cwd, dispose } = project();
    if (hasCache) leaveCacheFile(cwd);
    const running: AsyncDisposable[] = [];
    const start = async () => {
      const kernel = await createKernel({ cwd, env: {}, plugins: [memory] });
      running.push(kernel);
      return kernel;
    };
    return {
      run: start,
      async check() {
        const { config } = await start();
        return { entries: config.get("cache.maxEntries"), environment: config.environment };
      },
      async dispose() {
        for (const kernel of running) await kernel[Symbol.asyncDispose]();
        dispose();
      },
    };
  },
});

const again = everything("kernel with an rc file and all plugins", true);
const first = everything("the same, which makes its cache file", false);

/** What an application would write without the product: find, read and check; no plugin opens anything. */
const byHand: Contender = {
  name: BY_HAND,
  async setup() {
    const [{ cosmiconfig }, { Ajv }] = await Promise.all([import("cosmiconfig"), import("ajv")]);
    const { cwd, dispose } = project();
    const object = { type: "object" };
    const schema = {
      type: "object",
      additionalProperties: false,
      properties: {
        system: {
          type: "object",
          properties: {
            environment: { enum: ["development", "production"] },
            stopTimeout: { type: "string" },
          },
        },
        cache: {
          type: "object",
          properties: {
            store: { type: "string" },
            ttl: { type: "string" },
            maxEntries: { type: "integer", minimum: 1, default: 1000 },
          },
        },
        performance: object,
        monitor: object,
        parallel: object,
        validation: object,
        memory: object,
        operations: object,
        profiles: object,
      },
    };
    const load = async () => {
      const found = await cosmiconfig("mlmcp").search(cwd);
      const config = found?.config as { cache: { maxEntries: number }; system: { environment: string } };
      const validate = new Ajv({ allErrors: true, useDefaults: true }).compile(schema);
      if (!validate(config)) throw new Error("The configuration is wrong.");
      return config;
    };
    return {
      run: load,
      async check() {
        const { cache, system } = await load();
        return { entries: cache.maxEntries, environment: system.environment };
      },
      dispose,
    };
  },
};

const start: Case = {
  name: "start",
  question:
    "How long does a kernel take to start, once everything is imported: find and check the rc file, open the plugins?",
  reference: BY_HAND,
  contenders: [imported, byHand, bare, again, first],
  budgets: [{ contender: again.name, over: IMPORTED, ns: 60e6 }],
  cold: true,
};

export default start;
