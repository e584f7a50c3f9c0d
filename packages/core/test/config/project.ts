import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import {
  readSources,
  resolveConfig,
  type ConfigReader,
  type JsonSchema,
  type KnownSchemas,
  type SecretResolver,
} from "@mlmcp/core";

/** A directory with these files, gone when the test is. A name that ends in `/` is a directory. */
export function project(files: Record<string, string> = {}): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "mlmcp-config-")));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(name.endsWith("/") ? path : dirname(path), { recursive: true });
    if (!name.endsWith("/")) writeFileSync(path, text);
  }
  return root;
}

const cache: JsonSchema = {
  type: "object",
  properties: {
    ttl: { duration: true, default: "1h" },
    store: { type: "string", default: "memory" },
    maxEntries: { type: "integer", minimum: 1, default: 1000 },
    adaptive: { type: "boolean", default: false },
    tags: { type: "array", items: { type: "string" } },
    sizes: { type: "array", items: { type: "integer" } },
    limits: { type: "object", additionalProperties: { type: "integer" } },
    encryptionKey: { type: "string", secret: true },
    pin: { type: "integer", secret: true },
    remote: {
      type: "object",
      default: {},
      properties: { url: { type: "string" }, poolSize: { type: "integer", default: 4 } },
    },
  },
};

const cachedOptions: JsonSchema = {
  type: "object",
  properties: {
    ttl: { duration: true },
    namespace: { type: "string" },
    grace: { type: "object", properties: { period: { duration: true } } },
  },
  required: ["ttl"],
};

/** What a kernel with a few plugins knows. */
export const known: KnownSchemas = {
  sections: [
    { name: "cache", schema: cache, plugin: "@mlmcp/plugin-cache" },
    {
      name: "memory",
      plugin: "@mlmcp/plugin-memory",
      schema: {
        type: "object",
        properties: {
          maxMemoryMb: { type: "integer", minimum: 1, default: 1024 },
          io: { type: "object", properties: { bufferSize: { size: true } } },
        },
      },
    },
    {
      name: "validation",
      plugin: "@mlmcp/plugin-validate",
      schema: { type: "object", properties: { strictMode: { type: "boolean", default: false } } },
    },
  ],
  advice: [
    {
      name: "cached",
      schema: cachedOptions,
      shorthand: { schema: { duration: true }, read: (ttl: unknown) => ({ ttl }) },
    },
    {
      name: "retry",
      schema: { type: "object", properties: { maxRetries: { type: "integer", minimum: 0 } } },
      shorthand: { schema: { type: "integer", minimum: 0 }, read: (maxRetries: unknown) => ({ maxRetries }) },
    },
    { name: "timed", schema: { type: "object", properties: { slow: { duration: true } } } },
  ],
  pluginOptions: new Map([["cache", "@mlmcp/plugin-cache"]]),
};

export interface LoadOptions {
  cwd?: string;
  configFile?: string | false;
  config?: object;
  env?: NodeJS.ProcessEnv;
  /** What was set while the kernel runs. */
  runtime?: object;
  secretResolvers?: readonly SecretResolver[];
}

/** Both stages of a load at once. */
export async function load({
  cwd = project(),
  configFile,
  config,
  env = {},
  runtime,
  secretResolvers = [],
}: LoadOptions = {}): Promise<ConfigReader> {
  const sources = await readSources({ cwd, configFile, config, env });
  const layer = { value: { ...runtime }, source: () => ({ kind: "runtime", name: "config.set()" }) as const };
  return resolveConfig(runtime === undefined ? sources : { ...sources, runtime: layer }, {
    ...known,
    secretResolvers: new Map(secretResolvers.map((resolver) => [resolver.provider, resolver])),
  });
}

/** The error of a load that must fail. */
export async function failure(
  options: LoadOptions,
): Promise<
  Error & { code: string; context: { issues: Array<Record<string, unknown>> }; suggestions: string[] }
> {
  try {
    await load(options);
  } catch (error) {
    return error as never;
  }
  throw new Error("the configuration was taken");
}

/** What was warned of while something ran, by code. */
export async function warningsDuring(
  run: () => Promise<unknown>,
): Promise<Array<{ code: string; message: string }>> {
  const seen: Array<{ code: string; message: string }> = [];
  const listener = (warning: Error & { code?: string }) => {
    if (warning.code?.startsWith("MLMCP_")) seen.push({ code: warning.code, message: warning.message });
  };
  process.on("warning", listener);
  try {
    await run();
    // Warnings are emitted on the next tick.
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off("warning", listener);
  }
  return seen;
}
