import { PluginError } from "../errors/index.js";
import type { Plugin } from "../plugin.js";

/** Sorts plugins so that each comes after those it depends on; otherwise in the order given. */
export function orderPlugins(plugins: readonly Plugin[]): Plugin[] {
  const byName = new Map<string, Plugin>();
  for (const plugin of plugins) {
    const twin = byName.get(plugin.name);
    if (twin === plugin) continue;
    if (twin) {
      throw new PluginError(
        `Two plugins are called "${plugin.name}". Remove one of them from \`plugins\`, or give it another name.`,
        { code: "MLMCP_PLUGIN_DUPLICATE", context: { plugin: plugin.name } },
      );
    }
    byName.set(plugin.name, plugin);
  }
  requireDependencies(byName);
  const sorted = new Set<Plugin>();
  const visit = (plugin: Plugin, path: readonly string[]): void => {
    if (sorted.has(plugin)) return;
    if (path.includes(plugin.name)) {
      const circle = [...path.slice(path.indexOf(plugin.name)), plugin.name].join(" → ");
      throw new PluginError(
        `Plugins depend on each other in a circle: ${circle}. Make one of the dependencies optional and one-way.`,
        {
          code: "MLMCP_PLUGIN_CYCLE",
          context: { plugin: plugin.name, path: circle },
        },
      );
    }
    const here = [...path, plugin.name];
    for (const name of [...(plugin.dependsOn ?? []), ...(plugin.optionalDependsOn ?? [])]) {
      const wanted = byName.get(name);
      if (wanted) visit(wanted, here);
    }
    sorted.add(plugin);
  };
  for (const plugin of byName.values()) visit(plugin, []);
  return [...sorted];
}

/** Says all that is missing at once: each would cost a start. */
function requireDependencies(byName: ReadonlyMap<string, Plugin>): void {
  const missing = [...byName.values()].flatMap(({ name: plugin, dependsOn = [] }) =>
    dependsOn.filter((name) => !byName.has(name)).map((name) => ({ plugin, name })),
  );
  const [first] = missing;
  if (!first) return;
  const needs = missing.map(
    ({ plugin, name }) => `the plugin "${plugin}" needs "${name}", which is not loaded`,
  );
  const them = missing.length === 1 ? "it" : "them";
  throw new PluginError(
    `T${needs.join("; ").slice(1)}. Install ${them} and list ${them} under \`plugins\`, or import ${them}.`,
    {
      code: "MLMCP_PLUGIN_DEPENDENCY",
      context: { plugin: first.plugin, missing: [...new Set(missing.map(({ name }) => name))] },
    },
  );
}
