import { basename } from "node:path";
import type { Layer } from "../../config/layers.js";
import type { KnownSchemas } from "../../config/load.js";
import { isPlainObject, valueAt } from "../../config/plain.js";
import { formatPath, parsePath } from "../../config/problems.js";
import { describeSource, type ConfigReader, type ConfigSource } from "../../config/reader.js";
import type { CommandContext } from "../context.js";
import { inline, toJson } from "../terminal.js";
import { changedLeaves, leavesOf, readable } from "./config-settings.js";

interface CountedSource {
  readonly kind: ConfigSource["kind"];
  readonly name: string;
  readonly settings: number;
  readonly inEffect: number;
}

interface Summary {
  readonly file: string | null;
  readonly environment: string;
  /** What chose it. */
  readonly environmentFrom: string;
  /** From the lowest rank to the highest. */
  readonly sources: readonly CountedSource[];
  readonly plugins: { readonly on: readonly string[]; readonly off: readonly string[] };
  /** Those of sections that differ from the defaults. */
  readonly settings: ReadonlyArray<{
    readonly path: string;
    readonly value: unknown;
    readonly source: string;
  }>;
  readonly operations: ReadonlyArray<{
    readonly id: string;
    readonly advice: Readonly<Record<string, unknown>>;
  }>;
  readonly warnings: readonly string[];
}

/** `mlmcp config summary`: where the configuration comes from and what it changes. */
export async function summarizeConfig(context: CommandContext): Promise<void> {
  const { kernel, warnings } = await openWithWarnings(context);
  const { config, plugins, inspection } = kernel;
  const { sources, known } = inspection;
  const all = config.redacted("") as Record<string, unknown>;
  const settings = changedLeaves(config, known, leavesOf(all))
    .filter(([top]) => !["plugins", "operations", "app"].includes(top!))
    .map((path) => {
      const { source } = config.explain(formatPath(path));
      return { path: formatPath(path), value: valueAt(all, path), source: describeSource(source) };
    });
  const summary: Summary = {
    file: config.file ?? null,
    environment: config.environment,
    environmentFrom: describeSource(config.explain("system.environment").source),
    sources: countSources(config, [...sources.layers, sources.variables], all),
    plugins: {
      on: plugins.map(({ name }) => name),
      off: sources.plugins.filter(({ enabled }) => !enabled).map(({ name }) => name),
    },
    settings,
    operations: tuned(all["operations"]),
    warnings,
  };
  if (context.options.json === true) context.print(toJson(summary));
  else context.print(format(summary, known, context));
}

/** The kernel, and what was warned of while it was made. */
async function openWithWarnings(context: CommandContext) {
  const warnings: string[] = [];
  const listen = (warning: Error & { code?: string }) => {
    if (warning.code?.startsWith("MLMCP_")) warnings.push(warning.message);
  };
  process.on("warning", listen);
  try {
    const kernel = await context.kernel();
    // Warnings come with the next tick.
    await new Promise((resolve) => setImmediate(resolve));
    return { kernel, warnings };
  } finally {
    process.off("warning", listen);
  }
}

/** How many settings each source gives, from the lowest rank to the highest, and how many of them are in effect. */
function countSources(config: ConfigReader, layers: readonly Layer[], all: object): CountedSource[] {
  const effective = leavesOf(all).map((path) => config.explain(formatPath(path)).source);
  const counted = layers.flatMap((layer): CountedSource[] => {
    const { kind, name } = layer.source([]);
    if (kind === "env") return [];
    const settings = leavesOf(layer.value).filter((path) => path.length > 0).length;
    const inEffect = effective.filter((source) => source.kind === kind && source.name === name).length;
    return settings === 0 ? [] : [{ kind, name, settings, inEffect }];
  });
  const variables = effective.filter(({ kind }) => kind === "env").length;
  if (variables > 0)
    counted.push({ kind: "env", name: "MLMCP_* variables", settings: variables, inEffect: variables });
  return counted;
}

/** What `operations` says, by id or glob. */
function tuned(operations: unknown): Summary["operations"] {
  if (!isPlainObject(operations)) return [];
  return Object.entries(operations).map(([id, advice]) => ({
    id,
    advice: isPlainObject(advice) ? advice : {},
  }));
}

function format(summary: Summary, known: KnownSchemas, { paint }: CommandContext): string {
  const { file, environment, environmentFrom, sources, plugins, settings, operations, warnings } = summary;
  const label = (text: string) => paint("bold", text.padEnd(12));
  const block = (name: string, lines: readonly string[]) =>
    lines.length === 0
      ? []
      : [`${label(name)} ${lines[0]}`, ...lines.slice(1).map((line) => `${" ".repeat(13)}${line}`)];
  const named = ({ kind, name }: CountedSource) =>
    kind === "file"
      ? basename(name)
      : kind === "profile"
        ? `${basename(name)} profiles.${environment}`
        : name;
  return [
    ...block("file", [file ?? "none"]),
    ...block("environment", [`${environment} (${environmentFrom})`]),
    ...block("sources", [
      ...sources.map((source) => `${named(source)}: ${source.settings} set, ${source.inEffect} in effect`),
      ...(sources.length === 0 ? ["none: everything is a default"] : []),
    ]),
    ...block("plugins", [
      `on: ${plugins.on.join(", ")}`,
      ...(plugins.off.length === 0 ? [] : [`off: ${plugins.off.join(", ")}`]),
    ]),
    ...block(
      "changed",
      settings.map(({ path, value, source }) => {
        const shown = readable(known, parsePath(path), value);
        return `${path} = ${shown} ${paint("dim", `# ${source}`)}`;
      }),
    ),
    ...block(
      "operations",
      operations.map(({ id, advice }) => `${id}: ${Object.entries(advice).map(brief).join(", ")}`),
    ),
    ...block(
      "warnings",
      warnings.map((warning) => paint("yellow", warning)),
    ),
  ].join("\n");
}

function brief([name, setting]: [string, unknown]): string {
  if (setting === false) return `${name} off`;
  return setting === true ? name : `${name} ${inline(setting)}`;
}
