import type { Plugin } from "../../plugin.js";
import type { CommandContext } from "../context.js";
import { formatTable, toJson } from "../terminal.js";

/** `mlmcp plugins`: what is loaded, in the order of start, and what is turned off. */
export async function listPlugins(context: CommandContext): Promise<void> {
  const kernel = await context.kernel();
  const on = kernel.plugins.map(describe);
  const settings = Object.entries(kernel.config.get<Record<string, unknown>>("plugins", {}));
  const off = settings
    .filter(([, setting]) => setting === false)
    .map(([name]) => ({ ...describe({ name }), state: "off" }));
  const plugins = [...on, ...off];
  if (context.options.json === true) {
    context.print(toJson(plugins));
    return;
  }
  const rows = plugins.map(({ name, state, section, decorators, commands }) => ({
    plugin: name,
    state,
    section: section ?? "",
    decorators: decorators.map((decorator) => `@${decorator}`).join(" "),
    commands: commands.join(", "),
  }));
  context.print(formatTable(rows, context.paint));
}

function describe({
  name,
  section,
  decorators = [],
  commands = [],
  dependsOn = [],
}: Pick<Plugin, "name"> & Partial<Plugin>) {
  return {
    name,
    state: "on",
    section: section ?? null,
    decorators: decorators.map(({ advice }) => advice.name),
    commands: commands.map((command) => command.name),
    dependsOn: [...dependsOn],
  };
}
