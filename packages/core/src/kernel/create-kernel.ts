import type { DependencyContainer } from "tsyringe";
import { readSources, resolveConfig, type ConfigReader, type ConfigSources } from "../config/index.js";
import { ConfigurationError, PluginError } from "../errors/index.js";
import { liveOperations } from "../operations/operation.js";
import { shared } from "../operations/shared-state.js";
import type { Advice, Plugin } from "../plugin.js";
import { resiliencePlugin } from "../resilience/index.js";
import { Kernel } from "./kernel.js";
import { loadPlugin } from "./plugin-loader.js";

export interface KernelOptions {
  /** Where the search for the rc file begins. @default process.cwd() */
  cwd?: string;
  /** The rc file, or `false` for none. Default: the nearest one, from `cwd` upwards. */
  configFile?: string | false;
  /** Configuration from code; ranks above the rc file and below `MLMCP_*`. */
  config?: object;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
  /** Plugins besides those of the configuration and of imported decorators. */
  plugins?: readonly Plugin[];
  /** Whether plugins whose decorators have been imported are loaded by themselves. @default true */
  autoload?: boolean;
  /** A tsyringe container whose registrations the kernel's services may use. */
  container?: DependencyContainer;
  /**
   * `false` registers the plugins but starts none, and takes no calls until `kernel.start()`: for
   * tools that only look at the configuration and the operations.
   * @default true
   */
  start?: boolean;
  /** Stop on SIGINT and SIGTERM, then let the signal end the process. @default false */
  handleSignals?: boolean;
}

/**
 * Finds the configuration, loads the plugins, and starts a kernel that runs decorated methods.
 *
 * ```ts
 * await using kernel = await createKernel();
 * const reports = kernel.resolve(ReportService);
 * ```
 *
 * @throws ConfigurationError with everything that is wrong with the configuration
 * @throws PluginError where a plugin cannot be loaded, ordered or started; what had started is stopped
 */
export async function createKernel(options: KernelOptions = {}): Promise<Kernel> {
  const { cwd = process.cwd(), configFile, config: code, env = process.env } = options;
  const read = () => readSources({ cwd, configFile, config: code, env });
  let sources = await read();
  const selection = await selectPlugins(sources, options);
  const validate = (from: ConfigSources, plugins: readonly Plugin[]): ConfigReader =>
    resolveConfig(from, { ...knownTo(plugins), pluginOptions: selection.sectionEntries });
  const kernel = new Kernel({
    config: validate(sources, selection.plugins),
    off: selection.off,
    container: options.container,
    provider: {
      async resolve(plugins, { again }) {
        const fresh = again ? await read() : sources;
        refuseOtherPlugins(sources, fresh);
        const resolved = validate(fresh, plugins);
        sources = fresh;
        return resolved;
      },
    },
  });
  await kernel.register(selection.plugins);
  if (options.start !== false) await kernel.start();
  if (options.handleSignals) stopOnSignals(kernel);
  return kernel;
}

interface Selection {
  readonly plugins: readonly Plugin[];
  readonly off: ReadonlySet<string>;
  /** For each section, the entry of `plugins` that may hold its options. */
  readonly sectionEntries: ReadonlyMap<string, string>;
}

async function selectPlugins(sources: ConfigSources, options: KernelOptions): Promise<Selection> {
  const off = new Set(sources.plugins.filter(({ enabled }) => !enabled).map(({ name }) => name));
  const fromCode = options.plugins ?? [];
  const imported = options.autoload === false ? [] : [...shared.plugins.values()];
  const known = new Map([...imported, ...fromCode, resiliencePlugin].map((plugin) => [plugin.name, plugin]));
  const explicit = [...fromCode];
  const sectionEntries = new Map<string, string>();
  for (const entry of sources.plugins) {
    if (!entry.enabled) continue;
    const plugin = known.get(entry.name) ?? (await loadPlugin(entry, sources.cwd));
    explicit.push(plugin);
    if (plugin.section !== undefined) sectionEntries.set(plugin.section, entry.name);
    else if (entry.options) {
      throw new PluginError(
        `The plugin "${entry.name}" is given options, but it has no section that takes any. Write \`true\` instead.`,
        {
          code: "MLMCP_PLUGIN_OPTIONS",
          context: { plugin: entry.name },
        },
      );
    }
  }
  const explicitNames = new Set(explicit.map(({ name }) => name));
  // By name, since another copy of the core in this process brings its own built-in plugin.
  const builtIn = new Map([...imported, resiliencePlugin].map((plugin) => [plugin.name, plugin]));
  const byThemselves = [...builtIn.values()].filter(({ name }) => !explicitNames.has(name));
  const plugins = [...new Set([...byThemselves, ...explicit])].filter(({ name }) => !off.has(name));
  return { plugins, off, sectionEntries };
}

/** What may stand in the configuration: the sections of the plugins, and all advice. */
function knownTo(plugins: readonly Plugin[]) {
  const advice = new Map<string, Advice>();
  for (const operation of liveOperations()) {
    for (const { advice: applied } of operation.advice) advice.set(applied.name, applied);
  }
  for (const { decorators = [] } of plugins)
    for (const decorator of decorators) advice.set(decorator.advice.name, decorator.advice);
  return {
    sections: plugins.flatMap(({ name, section, schema }) =>
      section === undefined ? [] : [{ name: section, schema: schema ?? { type: "object" }, plugin: name }],
    ),
    advice: [...advice.values()].map(({ name, schema, shorthand }) => ({ name, schema, shorthand })),
  };
}

function refuseOtherPlugins(before: ConfigSources, after: ConfigSources): void {
  const list = ({ plugins }: ConfigSources) =>
    JSON.stringify(plugins.map(({ name, enabled }) => [name, enabled]));
  if (list(before) === list(after)) return;
  throw new ConfigurationError(
    "`plugins` has changed. Which plugins are loaded cannot change while the kernel runs: start it again.",
    {
      code: "MLMCP_RELOAD_PLUGINS",
    },
  );
}

function stopOnSignals(kernel: Kernel): void {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const onSignal = (signal: NodeJS.Signals): void => {
    release();
    kernel
      .stop()
      .catch((error: unknown) => process.emitWarning(String(error), { code: "MLMCP_STOP_FAILED" }))
      .finally(() => process.kill(process.pid, signal));
  };
  const release = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  kernel.hooks.hook("kernel:stopped", release);
}
