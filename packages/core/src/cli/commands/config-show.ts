import { valueAt } from "../../config/plain.js";
import { formatPath, parsePath } from "../../config/problems.js";
import type { ConfigReader, ConfigSource } from "../../config/reader.js";
import type { CommandContext } from "../context.js";
import { CommandFailure } from "../failure.js";
import { toJson, type Paint } from "../terminal.js";
import { changedLeaves, leavesOf, pick, readable } from "./config-settings.js";

/** What commander reads from `mlmcp config show`. */
export interface ShowOptions {
  readonly changed?: boolean;
  readonly yaml?: boolean;
  readonly sources: boolean;
}

/** `mlmcp config show [section]`: the effective configuration, each value with where it came from. */
export async function showConfig(
  context: CommandContext,
  section: string | undefined,
  { changed, yaml, sources }: ShowOptions,
): Promise<void> {
  const { config, inspection } = await context.kernel();
  const { describeSource } = await import("../../config/index.js");
  const all = config.redacted("") as Record<string, unknown>;
  if (section !== undefined) await refuseUnknown(section, Object.keys(all));
  const leaves = leavesOf(section === undefined ? all : { [section]: all[section] });
  const paths = changed === true ? changedLeaves(config, inspection.known, leaves) : leaves;
  const settings = paths.map((keys) => ({ keys, ...config.explain(formatPath(keys)) }));
  if (context.options.json === true) {
    const from = Object.fromEntries(settings.map(({ path, source }) => [path, source]));
    const { file = null, environment } = config;
    const values = pick(paths, (path) => valueAt(all, path));
    context.print(toJson({ file, environment, values, ...(sources ? { sources: from } : {}) }));
    return;
  }
  if (yaml === true) {
    const [{ toYaml }, { withReferences }] = await Promise.all([
      import("./config-yaml.js"),
      import("./config-references.js"),
    ]);
    const secrets: string[] = [];
    const values = pick(paths, (path) => {
      const value = withReferences(config, inspection.sources.layers, path);
      if (value === undefined) secrets.push(`left out, since it is a secret: ${formatPath(path)}`);
      return value;
    });
    const comments = settings.map(({ keys, source }) => ({ path: keys, text: describeSource(source) }));
    const heading = [titleOf(config), ...secrets].join("\n ");
    context.print(toYaml(values, { heading, comments: sources ? comments : [] }));
    return;
  }
  const lines = settings.map(({ path, keys, source }) => ({
    path,
    value: readable(inspection.known, keys, valueAt(all, keys)),
    source: sources ? describeSource(source) : undefined,
    kind: source.kind,
  }));
  context.print(`${context.paint("dim", `# ${titleOf(config)}`)}\n${format(lines, context.paint)}`);
}

async function refuseUnknown(section: string, known: readonly string[]): Promise<void> {
  if (known.includes(section)) return;
  const { nearest } = await import("../../config/index.js");
  const [first = "", ...rest] = parsePath(section);
  if (rest.length > 0 && known.includes(first)) {
    throw new CommandFailure(
      `there is no section "${section}"`,
      `For one setting: \`mlmcp config get ${section}\`, or \`config explain\`.`,
    );
  }
  const meant = nearest(section, known);
  throw new CommandFailure(
    `there is no section "${section}"`,
    meant === undefined ? `Known are: ${known.join(", ")}.` : `Did you mean "${meant}"?`,
  );
}

function titleOf({ file, environment }: ConfigReader): string {
  return `${file ?? "no configuration file"}, environment ${environment}`;
}

interface Line {
  readonly path: string;
  readonly value: string;
  readonly source: string | undefined;
  readonly kind: ConfigSource["kind"];
}

function format(lines: readonly Line[], paint: Paint): string {
  const left = ({ path, value }: Line) => `${path} = ${value}`;
  const width = Math.min(60, Math.max(0, ...lines.map((line) => left(line).length)));
  return lines
    .map((line) => {
      const setting = `${paint("bold", line.path)} = ${line.value}`;
      if (line.source === undefined) return `${setting}\n`;
      const padding = " ".repeat(Math.max(0, width - left(line).length));
      return `${setting}${padding}  # ${paint(line.kind === "default" ? "dim" : "cyan", line.source)}\n`;
    })
    .join("");
}
