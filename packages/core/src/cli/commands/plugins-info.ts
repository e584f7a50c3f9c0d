import { settingFacts } from "../../config/schema/known-settings.js";
import { describeSource } from "../../config/reader.js";
import { variablesOf } from "../../config/sources/variables.js";
import { nearestPlugin } from "../../diagnostics/installed-plugins.js";
import type { Kernel } from "../../kernel/kernel.js";
import { describePlacement } from "../../operations/phases.js";
import type { Plugin } from "../../plugin.js";
import type { CommandContext } from "../context.js";
import { CommandFailure } from "../failure.js";
import { formatTable, inline, toJson } from "../terminal.js";
import { locatePlugin } from "./plugin-location.js";

/** `mlmcp plugins info <name>`: everything that one plugin brings. */
export async function showPlugin(context: CommandContext, name: string): Promise<void> {
  const kernel = await context.kernel();
  const described = describe(kernel, find(kernel, name));
  context.print(context.options.json === true ? toJson(described) : format(described, context));
}

function find(kernel: Kernel, typed: string): Plugin {
  const meant = [typed, `@mlmcp/plugin-${typed}`, `mlmcp-plugin-${typed}`];
  const found = meant.flatMap((name) => kernel.plugins.filter((plugin) => plugin.name === name))[0];
  if (found) return found;
  const off = kernel.inspection.sources.plugins.find(({ name, enabled }) => !enabled && meant.includes(name));
  if (off) {
    throw new CommandFailure(
      `the plugin "${off.name}" is turned off (${describeSource(off.source)})`,
      "Turn it on to see what it brings.",
    );
  }
  const names = kernel.plugins.map((plugin) => plugin.name);
  const close = nearestPlugin(typed, names);
  throw new CommandFailure(
    `no plugin "${typed}" is loaded`,
    close === undefined ? `Loaded are: ${names.join(", ")}.` : `Did you mean "${close}"?`,
  );
}

type Description = ReturnType<typeof describe>;

function describe(kernel: Kernel, plugin: Plugin) {
  const { known, sources } = kernel.inspection;
  const { decorators = [], commands = [], healthChecks = [], metrics = [], productionChecks = [] } = plugin;
  const { version, from, entry } = locatePlugin(kernel, plugin);
  const named = sources.plugins.find(({ name }) => name === entry);
  const sections = known.sections.filter((section) => section.plugin === plugin.name);
  const checks: string[] = [];
  kernel.pluginSet.forEach((other, scope) => {
    if (other === plugin) checks.push(...healthChecks.map((create) => create(scope).name));
  });
  return {
    name: plugin.name,
    version: version ?? null,
    from: from ?? null,
    named: named === undefined ? null : describeSource(named.source),
    dependsOn: [...(plugin.dependsOn ?? [])],
    optionalDependsOn: [...(plugin.optionalDependsOn ?? [])],
    neededBy: kernel.plugins
      .filter((other) => other.dependsOn?.includes(plugin.name))
      .map(({ name }) => name),
    section: plugin.section ?? null,
    settings: variablesOf(sections).map(({ path }) => ({
      path: path.join("."),
      ...settingFacts(known, path),
    })),
    decorators: decorators.map(({ advice }) => ({
      name: advice.name,
      phases: [...new Set(advice.parts.map(({ at = "observe" }) => describePlacement(at)))],
      options: Object.keys((advice.schema["properties"] ?? {}) as object),
    })),
    commands: commands.map(({ name, description, destroys }) => ({
      name,
      description,
      ...(destroys === undefined ? {} : { destroys }),
    })),
    healthChecks: checks,
    metrics: metrics.map(({ name }) => name),
    productionChecks: productionChecks.map(({ name }) => name),
    diagnostics: (plugin.diagnostics ?? []).map(({ rule }) => rule),
    secretResolvers: (plugin.secretResolvers ?? []).map(({ provider }) => provider),
  };
}

function format(plugin: Description, { paint }: CommandContext): string {
  const parts: string[] = [];
  const facts = {
    from: plugin.from ?? "imported by the application's code",
    "named in": plugin.named ?? "",
    "depends on": plugin.dependsOn.join(", "),
    "starts after": plugin.optionalDependsOn.join(", "),
    "needed by": plugin.neededBy.join(", "),
    "health checks": plugin.healthChecks.join(", "),
    metrics: plugin.metrics.join(", "),
    "production checks": plugin.productionChecks.join(", "),
    "doctor's rules": plugin.diagnostics.join(", "),
    "reads secrets of": plugin.secretResolvers.map((provider) => `secret://${provider}/…`).join(", "),
  };
  const rows = Object.entries(facts).filter(([, value]) => value !== "");
  const width = Math.max(...rows.map(([name]) => name.length));
  parts.push(
    `${paint("bold", plugin.name)}${plugin.version === null ? "" : ` ${plugin.version}`}\n`,
    ...rows.map(([name, value]) => `  ${paint("dim", name.padEnd(width))}  ${value}\n`),
  );
  const table = (title: string, lines: ReadonlyArray<Readonly<Record<string, string>>>): void => {
    if (lines.length === 0) return;
    const body = formatTable(lines, paint).trimEnd().replaceAll(/^/gm, "  ");
    parts.push(`\n${paint("cyan", title)}\n${body}\n`);
  };
  table(
    `section ${plugin.section}`,
    plugin.settings.map(({ path, type, variable, ...setting }) => ({
      setting: path,
      type: type ?? "",
      default: setting.default === undefined ? "" : inline(setting.default),
      variable: variable ?? "",
    })),
  );
  table(
    "decorators",
    plugin.decorators.map(({ name, phases, options }) => ({
      decorator: `@${name}`,
      phases: phases.join(", "),
      options: options.join(" "),
    })),
  );
  table(
    "commands",
    plugin.commands.map(({ name, description, destroys = "" }) => ({
      command: `mlmcp ${name}`,
      description: `${description} ${destroys}`.trim(),
    })),
  );
  return parts.join("");
}
