import type { DependencyContainer } from "tsyringe";
import {
  describeSource,
  nearest,
  readSources,
  resolveConfig,
  type ConfigReader,
  type ConfigSources,
  type Duration,
  type KernelConfig,
  type KnownSchemas,
  type SectionSchema,
} from "../config/index.js";
import { isPlainObject } from "../config/plain.js";
import { sectionOf } from "../config/define-section.js";
import { coreSections } from "../config/sections.js";
import { warnOnce } from "../config/warnings.js";
import { ConfigurationError, PluginError } from "../errors/index.js";
import { shared } from "../operations/shared-state.js";
import { isPlugin, type Plugin } from "../plugin.js";
import { resiliencePlugin } from "../resilience/index.js";
import { notAPlugin } from "./arguments.js";
import type { ConfigProvider, ReadingLimits } from "./config-provider.js";
import { watchConfig } from "./config-watch.js";
import { logSteps } from "./debug-log.js";
import { Kernel } from "./kernel.js";
import { schemasKnownTo } from "./known-schemas.js";
import { loadPlugins } from "./plugin-loader.js";
import { handleSignals } from "./signals.js";
import { UnattendedReload } from "./unattended-reload.js";

export interface KernelOptions {
  /** Where the search for the rc file begins. @default process.cwd() */
  cwd?: string;
  /** The rc file, or `false` for none. Default: the nearest one, from `cwd` upwards. */
  configFile?: string | false;
  /** Configuration from code; ranks above the rc file and below `MLMCP_*`. */
  config?: KernelConfig;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
  /** Sections of the configuration besides those of the core, of plugins and of {@link defineSection}. */
  sections?: ReadonlyArray<Pick<SectionSchema, "name" | "schema">>;
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
  /**
   * Whether the configuration is reloaded when one of its files changes; a length of time is how
   * often they are looked at. Where the new content is wrong, nothing changes, and a process
   * warning says so (`MLMCP_RELOAD_FAILED`). Keeps no process alive.
   * @default `system.watch`, which is not set; `true` looks as often as that says, or every second
   */
  watch?: boolean | Duration;
  /**
   * Stop on SIGINT and SIGTERM, then let the signal end the process; reload on SIGHUP, except on
   * Windows.
   * @default false
   */
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
  const { cwd = process.cwd(), configFile, config: code, env = process.env, plugins: given = [] } = options;
  refuseNonPlugins(given);
  const read = (file = configFile, limits: Partial<ReadingLimits> = {}): Promise<ConfigSources> =>
    readSources({ cwd, configFile: file, config: code, env, ...limits });
  let readAt = Date.now();
  const sources = await read();
  const ownSections = (options.sections ?? []).map(({ name, schema }) =>
    sectionOf({ name, schema, plugin: "createKernel({ sections })" }),
  );
  const selection = await selectPlugins(sources, options);
  const known = (plugins: readonly Plugin[]): KnownSchemas => ({
    ...schemasKnownTo({ plugins, turnedOff: selection.turnedOff, sections: ownSections }),
    pluginOptions: selection.sectionEntries,
  });
  const validate = (from: ConfigSources, plugins: readonly Plugin[]): Promise<ConfigReader> =>
    resolveConfig(from, known(plugins));
  const preview: ConfigProvider["preview"] = async (before, limits) => {
    // A file that has gone is an error, and not another configuration: it may be about to be replaced.
    const fresh = await read(before.file, limits);
    refuseOtherPlugins(before, fresh);
    return before.runtime ? { ...fresh, runtime: before.runtime } : fresh;
  };
  const kernel = new Kernel({
    configured: { sources, config: await validate(sources, selection.plugins) },
    off: selection.off,
    container: options.container,
    provider: {
      validate,
      known,
      sections: (plugins) => [...coreSections, ...known(plugins).sections],
      preview,
      reread(before, limits) {
        readAt = Date.now();
        return preview(before, limits);
      },
    },
  });
  logSteps(kernel);
  const reload = new UnattendedReload(kernel);
  watchConfig(kernel, { wanted: options.watch, reload, readAt: () => readAt });
  try {
    await kernel.register(selection.plugins);
    // Before the start, so that a signal during a long one stops the kernel too.
    if (options.handleSignals) handleSignals(kernel, reload);
    if (options.start !== false) await kernel.start();
  } catch (error) {
    // What stopping adds to it is of no use to the reader of why the start failed.
    await kernel.stop().catch(() => undefined);
    throw error;
  }
  return kernel;
}

interface Selection {
  readonly plugins: readonly Plugin[];
  /** Names that the configuration turns off. */
  readonly off: ReadonlySet<string>;
  /** Those of them that the process knows. What is written for them stays valid. */
  readonly turnedOff: readonly Plugin[];
  /** For each section, the entry of `plugins` that may hold its options. */
  readonly sectionEntries: ReadonlyMap<string, string>;
}

async function selectPlugins(sources: ConfigSources, options: KernelOptions): Promise<Selection> {
  const off = new Set(sources.plugins.filter(({ enabled }) => !enabled).map(({ name }) => name));
  const fromCode = options.plugins ?? [];
  const imported = options.autoload === false ? [] : [...shared.plugins.values()];
  const known = new Map([...imported, ...fromCode, resiliencePlugin].map((plugin) => [plugin.name, plugin]));
  const turnedOff = [...off].flatMap((name) => known.get(name) ?? shared.plugins.get(name) ?? []);
  warnOfNothingOff(sources, [...known.keys(), ...shared.plugins.keys()]);
  const explicit = [...fromCode];
  const sectionEntries = new Map<string, string>();
  const entries = sources.plugins.filter(({ enabled }) => enabled);
  const unknown = entries.filter(({ name }) => !known.has(name));
  const loaded = await loadPlugins(unknown, sources.cwd, sources.startTimeout);
  for (const entry of entries) {
    const plugin = known.get(entry.name) ?? loaded.get(entry.name)!;
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
  return { plugins, off, turnedOff, sectionEntries };
}

function refuseNonPlugins(given: unknown): void {
  if (!Array.isArray(given)) throw notAPlugin(given, "createKernel({ plugins }), which takes a list,");
  for (const [index, plugin] of given.entries()) {
    if (!isPlugin(plugin)) throw notAPlugin(plugin, `createKernel({ plugins }) at ${index}`);
  }
}

/** `false` for a name that nothing has is most likely a mistyped name. */
function warnOfNothingOff({ plugins, layers }: ConfigSources, known: readonly string[]): void {
  for (const { name, enabled, source } of plugins) {
    if (enabled || known.includes(name)) continue;
    const elsewhere = layers.some(({ value }) => {
      const listed = isPlainObject(value["plugins"]) ? value["plugins"] : {};
      return Object.hasOwn(listed, name) && listed[name] !== false;
    });
    if (elsewhere) continue;
    const meant = nearest(name, known);
    warnOnce(
      "MLMCP_PLUGIN_OFF_UNKNOWN",
      `plugins.${name}: false (${describeSource(source)}) turns off nothing: no plugin of that name is imported or listed.` +
        (meant ? ` Did you mean "${meant}"?` : ""),
    );
  }
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
