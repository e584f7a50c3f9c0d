import type { ConfigReader } from "../../config/reader.js";
import type { KnownSchemas } from "../../config/load.js";
import { withStandIns } from "../../config/secrets/secret-files.js";
import type { Kernel } from "../../kernel/kernel.js";
import type { ParseText } from "../../config/sources/rc-parser.js";
import type { ConfigSources } from "../../config/sources/sources.js";
import type { CommandContext } from "../context.js";

/** What a command wants to see in place of the configuration as it is. */
export interface Variant {
  /** In place of the environment that is configured. */
  readonly environment?: string | undefined;
  /** What named that. @default "--profile" */
  readonly environmentFrom?: string | undefined;
  /** In place of the rc file that is found or named. */
  readonly file?: string | undefined;
  /** In place of that file's content. */
  readonly draft?: string | undefined;
  /** How YAML and JSON are read, where the same texts are read several times. */
  readonly parse?: ParseText | undefined;
  /** Makes errors of warnings, as `system.strict` does. */
  readonly strict?: boolean | undefined;
}

/** A configuration, what it was read from and what may stand in it. */
export interface LoadedConfig {
  readonly sources: ConfigSources;
  readonly known: KnownSchemas;
  readonly config: ConfigReader;
}

/**
 * Loads a configuration without making its kernel.
 *
 * @throws ConfigurationError with everything that is wrong with it
 */
export async function loadConfig(context: CommandContext, variant: Variant = {}): Promise<LoadedConfig> {
  const sources = await readConfig(context, variant);
  const known = await knownTo(context, sources);
  const { resolveConfig } = await import("../../index.js");
  return { sources, known, config: await resolveConfig(sources, known) };
}

/** Reads what is written down, before it is known what may be. */
export async function readConfig(context: CommandContext, variant: Variant = {}): Promise<ConfigSources> {
  const { readSources } = await import("../../index.js");
  return await readSources({ ...placeOf(context, variant), draft: variant.draft, parse: variant.parse });
}

/** Where the configuration of a variant is, and the environment variables that are above it. */
function placeOf(context: CommandContext, variant: Variant) {
  const { cwd, configFile, env } = context.place;
  const { environment, environmentFrom = "--profile", file, strict } = variant;
  const given = (text: string, name: string) => ({ text, source: { kind: "runtime", name } as const });
  return {
    cwd,
    configFile: file ?? configFile,
    env: withStandIns(env, {
      ...(strict === true && { MLMCP_SYSTEM_STRICT: given("true", "--strict") }),
      ...(environment !== undefined && { MLMCP_SYSTEM_ENVIRONMENT: given(environment, environmentFrom) }),
    }),
  };
}

/**
 * Looks at the kernel of a variant, which has not started, and stops it.
 *
 * @throws ConfigurationError with everything that is wrong with it
 */
export async function withKernel<Seen>(
  context: CommandContext,
  variant: Omit<Variant, "draft">,
  look: (kernel: Kernel) => Promise<Seen>,
): Promise<Seen> {
  await context.importApp(await readConfig(context, variant));
  const { createKernel } = await import("../../index.js");
  await using kernel = await createKernel({ ...placeOf(context, variant), start: false });
  return await look(kernel);
}

/**
 * What may be configured with the plugins that a configuration names, also where something in it is
 * wrong: a kernel is asked that is given nothing but these.
 */
export async function knownTo(context: CommandContext, sources: ConfigSources): Promise<KnownSchemas> {
  const [{ createKernel, resiliencePlugin }, { loadPlugins }, { shared }] = await Promise.all([
    import("../../index.js"),
    import("../../kernel/plugin-loader.js"),
    import("../../operations/shared-state.js"),
  ]);
  await context.importApp(sources);
  const mayBeNamed = (name: string) => name === resiliencePlugin.name || shared.plugins.has(name);
  // Where one is missing the file is to blame, and not what the kernel below is given.
  await loadPlugins(
    sources.plugins.filter(({ name, enabled }) => enabled && !mayBeNamed(name)),
    sources.cwd,
    sources.startTimeout,
  );
  // One that is off adds nothing unless it is known; to name it would be warned of.
  const plugins = Object.fromEntries(
    sources.plugins
      .filter(({ name, enabled }) => enabled || mayBeNamed(name))
      .map(({ name, enabled }) => [name, enabled]),
  );
  const kernel = await createKernel({
    cwd: sources.cwd,
    configFile: false,
    config: { plugins },
    env: {},
    start: false,
  });
  const { known } = kernel.inspection;
  await kernel.stop();
  return known;
}
