import type { ConfigReader, ConfigSource } from "../../config/reader.js";
import { isPlainObject } from "../../config/plain.js";
import { formatPath } from "../../config/problems.js";
import type { CommandContext } from "../context.js";
import { UsageError } from "../failure.js";
import { inline, toJson, type Paint } from "../terminal.js";

/** `mlmcp config show [section]`: the effective configuration, each value with where it came from. */
export async function showConfig(context: CommandContext, section: string | undefined): Promise<void> {
  const { config } = await context.kernel();
  const { describeSource, nearest } = await import("../../config/index.js");
  const all = config.get<Record<string, unknown>>("");
  if (section !== undefined && !Object.hasOwn(all, section)) {
    const meant = nearest(section, Object.keys(all));
    throw new UsageError(
      `there is no section "${section}"`,
      meant === undefined ? `Known are: ${Object.keys(all).join(", ")}.` : `Did you mean "${meant}"?`,
    );
  }
  const values = section === undefined ? all : { [section]: all[section] };
  const settings = leavesOf(values).map((path) => config.explain(path));
  if (context.options.json === true) {
    const sources = Object.fromEntries(settings.map(({ path, source }) => [path, source]));
    context.print(toJson({ file: config.file ?? null, environment: config.environment, values, sources }));
    return;
  }
  const described = settings.map(({ path, value, source }) => ({
    path,
    value: inline(value),
    source: describeSource(source),
    kind: source.kind,
  }));
  context.print(`${heading(config, context.paint)}\n${format(described, context.paint)}`);
}

function heading({ file, environment }: ConfigReader, paint: Paint): string {
  return paint("dim", `# ${file ?? "no configuration file"}, environment ${environment}`);
}

interface Setting {
  readonly path: string;
  readonly value: string;
  readonly source: string;
  readonly kind: ConfigSource["kind"];
}

function format(settings: readonly Setting[], paint: Paint): string {
  const left = ({ path, value }: Setting) => `${path} = ${value}`;
  const width = Math.min(60, Math.max(0, ...settings.map((setting) => left(setting).length)));
  const line = (setting: Setting) => {
    const padding = " ".repeat(Math.max(0, width - left(setting).length));
    const source = paint(setting.kind === "default" ? "dim" : "cyan", setting.source);
    return `${paint("bold", setting.path)} = ${setting.value}${padding}  # ${source}\n`;
  };
  return settings.map(line).join("");
}

/** Paths of everything that is no object with keys. */
function leavesOf(value: unknown, path: readonly string[] = []): string[] {
  if (!isPlainObject(value) || (Object.keys(value).length === 0 && path.length > 0))
    return [formatPath(path)];
  return Object.entries(value).flatMap(([key, child]) => leavesOf(child, [...path, key]));
}
