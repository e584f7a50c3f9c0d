import type { ConfigReader } from "../../config/reader.js";
import type { KnownSchemas } from "../../config/load.js";
import type { ConfigSources } from "../../config/sources/sources.js";
import type { CommandContext } from "../context.js";

/** What a command wants to see in place of the configuration as it is. */
export interface Variant {
  /** In place of the environment that is configured. */
  readonly environment?: string | undefined;
  /** In place of the rc file that is found or named. */
  readonly file?: string | undefined;
  /** In place of that file's content. */
  readonly draft?: string | undefined;
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
  const { environment, file, draft, strict } = variant;
  const { cwd, configFile, env } = context.place;
  return await readSources({
    cwd,
    configFile: file ?? configFile,
    draft,
    env: {
      ...env,
      ...(strict === true ? { MLMCP_SYSTEM_STRICT: "true", MLMCP_SYSTEM_STRICT_FILE: "" } : {}),
      ...(environment === undefined
        ? {}
        : { MLMCP_SYSTEM_ENVIRONMENT: environment, MLMCP_SYSTEM_ENVIRONMENT_FILE: "" }),
    },
  });
}

/**
 * What may be configured with the plugins that a configuration names, also where something in it is
 * wrong: a kernel is asked that is given nothing but these.
 */
export async function knownTo(context: CommandContext, sources: ConfigSources): Promise<KnownSchemas> {
  const [{ createKernel, resiliencePlugin }, { shared }] = await Promise.all([
    import("../../index.js"),
    import("../../operations/shared-state.js"),
  ]);
  await context.importApp(sources);
  // One that is off adds nothing unless it is known; to name it would be warned of.
  const mayBeNamed = (name: string) => name === resiliencePlugin.name || shared.plugins.has(name);
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
