import { installedPlugins, nearestPlugin, shortName } from "../diagnostics/installed-plugins.js";
import type { Kernel } from "../kernel/kernel.js";
import { originOf } from "../kernel/plugin-loader.js";
import type { CommandContext } from "./context.js";

/** The plugins that are installed for the application, and that nothing loads. */
export async function idlePlugins(context: CommandContext): Promise<string[]> {
  return installedBeside(await context.kernel());
}

/** What to do where a command is unknown that an installed plugin may bring, were it loaded. */
export async function idlePluginHint(word: string, context: CommandContext): Promise<string | undefined> {
  const kernel = await context.kernel();
  const plugin = nearestPlugin(word, installedBeside(kernel));
  if (plugin === undefined) return undefined;
  const name = shortName(plugin);
  const whose = plugin.startsWith("@mlmcp/") ? `\`${name}\` comes with` : `\`${name}\` may come with`;
  const { file } = kernel.config;
  const settings = kernel.config.get<Record<string, unknown>>("plugins", {});
  const lead = `${name === word ? "" : `Did you mean ${name}? `}${whose} ${plugin}, which is installed and`;
  if (settings[plugin] === false) return `${lead} turned off in the configuration, under \`plugins\`.`;
  const list =
    file === undefined
      ? "Run `mlmcp init`, list it under `plugins` in a configuration,"
      : `List it under \`plugins\` in ${file},`;
  return `${lead} not configured. ${list} or name the module of an application that imports it: \`--app ./dist/app.js\`.`;
}

function installedBeside({ config, plugins }: Kernel): string[] {
  const loaded = new Set(plugins.flatMap((plugin) => [plugin.name, originOf(plugin)?.entry]));
  return installedPlugins(config.cwd).filter((name) => !loaded.has(name));
}
