import { checkSchema, type KernelConfig } from "../config/index.js";
import { ConfigurationError } from "../errors/index.js";
import { definePlugin, isPlugin, type Plugin } from "../plugin.js";
import { expectThat, runContract, type ContractOptions, type ContractRule } from "./contract.js";
import { createTestKernel } from "./create-test-kernel.js";
import { leftoversOf } from "./leftovers.js";

/** A plugin and what it needs to start. */
export interface PluginSubject {
  readonly plugin: Plugin;
  /** Plugins that it depends on. */
  readonly plugins?: readonly Plugin[];
  /** Configuration under which it can start in a test. */
  readonly config?: KernelConfig;
}

export type PluginRule =
  | "starts"
  | "restarts"
  | "isolation"
  | "leftovers"
  | "failed start"
  | "defaults"
  | "unknown keys"
  | "variables"
  | "health"
  | "metrics"
  | "reload";

/**
 * What every plugin promises, as rules to run in any test runner:
 *
 * ```ts
 * for (const { title, run } of pluginContract({ plugin: auditPlugin })) it(title, run);
 * ```
 */
export function pluginContract(
  subject: PluginSubject | Plugin,
  { except = [] }: ContractOptions<PluginRule> = {},
): Array<ContractRule<PluginRule>> {
  const rules = rulesFor(isPlugin(subject) ? { plugin: subject } : subject);
  return (Object.keys(rules) as PluginRule[])
    .filter((rule) => !except.includes(rule))
    .map((rule) => ({ rule, ...rules[rule] }));
}

/** Runs the whole contract; rejects with every rule that is broken. */
export function runPluginContract(
  subject: PluginSubject | Plugin,
  options?: ContractOptions<PluginRule>,
): Promise<void> {
  return runContract(
    `The plugin "${isPlugin(subject) ? subject.name : subject.plugin.name}"`,
    pluginContract(subject, options),
  );
}

function rulesFor({
  plugin,
  plugins = [],
  config,
}: PluginSubject): Record<PluginRule, Omit<ContractRule, "rule">> {
  const start = (more: readonly Plugin[] = []) =>
    createTestKernel({ plugins: [...plugins, plugin, ...more], config });
  const startAndStop = async (): Promise<void> => (await start()).stop();
  const schema = plugin.schema ?? { type: "object" };
  return {
    starts: { title: "starts and stops", run: startAndStop },
    restarts: {
      title: "starts again after it has stopped",
      async run() {
        await startAndStop();
        await startAndStop();
      },
    },
    isolation: {
      title: "serves one kernel on when another stops",
      async run() {
        const first = await start();
        const second = await start();
        try {
          await first.stop();
          const { status } = await second.health();
          expectThat(status !== "down", "after another kernel's stop its health is down");
          await second.reload();
        } finally {
          await second.stop();
        }
      },
    },
    leftovers: {
      title: "leaves nothing behind when it stops",
      async run() {
        const left = await leftoversOf(startAndStop);
        expectThat(left.length === 0, `left open: ${left.join(", ")}`);
      },
    },
    "failed start": {
      title: "leaves nothing behind when a later plugin fails to start",
      async run() {
        const failing = definePlugin({
          name: "contract-failing-plugin",
          start() {
            throw new Error("fails on purpose");
          },
        });
        const left = await leftoversOf(() =>
          start([failing]).then(
            (kernel) => kernel.stop(),
            () => undefined,
          ),
        );
        expectThat(left.length === 0, `left open: ${left.join(", ")}`);
      },
    },
    defaults: {
      title: "declares defaults that its own schemas admit",
      async run() {
        const schemas = [schema, ...(plugin.decorators ?? []).map(({ advice }) => advice.schema)];
        const wrong = schemas.flatMap((each) => checkSchema(each, defaultsIn(each)).issues);
        expectThat(
          wrong.length === 0,
          wrong.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "),
        );
      },
    },
    "unknown keys": {
      title: "refuses an unknown key in its section",
      async run() {
        if (plugin.section === undefined) return;
        const section = (config as Record<string, object> | undefined)?.[plugin.section];
        const wrong = { ...config, [plugin.section]: { ...section, noSuchKey: true } };
        const outcome = await createTestKernel({ plugins: [...plugins, plugin], config: wrong }).catch(
          (error: unknown) => error,
        );
        if (outcome instanceof ConfigurationError) return;
        if (outcome instanceof Error) throw outcome;
        await (outcome as { stop(): Promise<void> }).stop();
        throw new Error(`${plugin.section}.noSuchKey was accepted`);
      },
    },
    variables: {
      title: "has keys that environment variables can tell apart",
      async run() {
        const variables = Object.keys((schema.properties ?? {}) as object).map(variableOf);
        const twice = variables.find((variable, index) => variables.indexOf(variable) !== index);
        expectThat(
          twice === undefined,
          `two keys share the variable MLMCP_${plugin.section?.toUpperCase()}_${twice}`,
        );
      },
    },
    health: {
      title: "is well right after its start",
      async run() {
        const kernel = await start();
        try {
          const { checks } = await kernel.health();
          const unwell = Object.entries(checks).find(
            ([name, { status }]) => name.startsWith(`${plugin.name}/`) && status !== "up",
          );
          expectThat(!unwell, `${unwell?.[0]} says ${JSON.stringify(unwell?.[1])}`);
        } finally {
          await kernel.stop();
        }
      },
    },
    metrics: {
      title: "tells every one of its metrics right after its start",
      async run() {
        const kernel = await start();
        try {
          const told = new Set(kernel.metrics().map(({ name }) => name));
          const missing = (plugin.metrics ?? []).find(({ name }) => !told.has(name));
          expectThat(!missing, `${missing?.name} cannot be read`);
        } finally {
          await kernel.stop();
        }
      },
    },
    reload: {
      title: "takes a reload that changes nothing",
      async run() {
        const kernel = await start();
        try {
          await kernel.reload();
        } finally {
          await kernel.stop();
        }
      },
    },
  };
}

function defaultsIn(schema: object): Record<string, unknown> {
  const { properties = {} } = schema as { properties?: Record<string, { default?: unknown }> };
  return Object.fromEntries(
    Object.entries(properties).flatMap(([key, property]) =>
      "default" in property ? [[key, property.default]] : [],
    ),
  );
}

function variableOf(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
}
