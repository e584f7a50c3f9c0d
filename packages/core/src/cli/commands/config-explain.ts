import { settingFacts } from "../../config/schema/known-settings.js";
import { isPlainObject, valueAt } from "../../config/plain.js";
import { formatPath } from "../../config/problems.js";
import type { ConfigExplanation, ConfigReader } from "../../config/reader.js";
import type { CommandContext } from "../context.js";
import { formatTable, inline, toJson } from "../terminal.js";
import { keysOf, leavesOf, notSet, place, readable } from "./config-settings.js";

/** `mlmcp config explain <path>`: a value with its source, what it overrode, and what the schema says of it. */
export async function explainSetting(context: CommandContext, path: string): Promise<void> {
  const keys = keysOf(path);
  const { config, inspection } = await context.kernel();
  const facts = settingFacts(inspection.known, keys);
  const name = formatPath(keys);
  if (facts === undefined && valueAt(config.get(""), keys) === undefined)
    throw await notSet(keys, config, inspection.known);
  const explanation = config.explain(name);
  const { value } = explanation;
  if (context.options.json === true) {
    context.print(toJson({ ...explanation, path: name, value: value ?? null, ...facts }));
    return;
  }
  const { paint } = context;
  const shown: Show = (at, one) => readable(inspection.known, at, one);
  const lines = [`${paint("bold", name)} = ${value === undefined ? "not set" : shown(keys, value)}`];
  if (facts?.description !== undefined) lines.push(facts.description);
  const rows = isPlainObject(value) ? partsOf(config, keys, value, shown) : ranksOf(explanation, keys, shown);
  if (rows.length > 0) lines.push("", formatTable(rows, paint).trimEnd());
  const said = [
    ["type", facts?.type],
    ["default", facts?.default === undefined ? undefined : inline(facts.default)],
    ["variable", facts?.variable],
  ].filter(([, text]) => text !== undefined);
  if (said.length > 0) lines.push("", ...said.map(([what, text]) => `${what!.padEnd(9)} ${text}`));
  context.print(lines.join("\n"));
}

/** A value at a path as it is printed. */
type Show = (path: readonly string[], value: unknown) => string;

/** What is in effect, and what it took the place of, the nearest first. */
function ranksOf(
  { value, source, overrode }: ConfigExplanation,
  path: readonly string[],
  show: Show,
): Array<Record<string, string>> {
  if (value === undefined) return [];
  const ranks = [
    { rank: "in effect", value, source },
    ...overrode.map((one) => ({ rank: "overrode", ...one })),
  ];
  return ranks.map((one) => ({ rank: one.rank, value: show(path, one.value), from: place(one.source) }));
}

/** The settings within an object, which may come from as many places. */
function partsOf(
  config: ConfigReader,
  path: readonly string[],
  values: Readonly<Record<string, unknown>>,
  show: Show,
): Array<Record<string, string>> {
  return leavesOf(values, path).map((leaf) => {
    const { path: setting, value, source } = config.explain(formatPath(leaf));
    return { setting, value: show(leaf, value), from: place(source) };
  });
}
