import { settingFacts } from "../../config/schema/known-settings.js";
import { isPlainObject } from "../../config/plain.js";
import { formatPath } from "../../config/problems.js";
import type { ConfigExplanation, ConfigReader } from "../../config/reader.js";
import type { CommandContext } from "../context.js";
import { formatTable, inline, toJson } from "../terminal.js";
import { keysOf, leavesOf, notSet, place } from "./config-settings.js";

/** `mlmcp config explain <path>`: a value with its source, what it overrode, and what the schema says of it. */
export async function explainSetting(context: CommandContext, path: string): Promise<void> {
  const keys = keysOf(path);
  const { config, inspection } = await context.kernel();
  const facts = settingFacts(inspection.known, keys);
  const name = formatPath(keys);
  const explanation = config.explain(name);
  const { value } = explanation;
  if (value === undefined && facts === undefined) throw await notSet(keys, config, inspection.known);
  if (context.options.json === true) {
    context.print(toJson({ ...explanation, path: name, value: value ?? null, ...facts }));
    return;
  }
  const { paint } = context;
  const lines = [`${paint("bold", name)} = ${value === undefined ? "not set" : inline(value)}`];
  if (facts?.description !== undefined) lines.push(facts.description);
  const rows = isPlainObject(value) ? partsOf(config, keys, value) : ranksOf(explanation);
  if (rows.length > 0) lines.push("", formatTable(rows, paint).trimEnd());
  const said = [
    ["type", facts?.type],
    ["default", facts?.default === undefined ? undefined : inline(facts.default)],
    ["variable", facts?.variable],
  ].filter(([, text]) => text !== undefined);
  if (said.length > 0) lines.push("", ...said.map(([what, text]) => `${what!.padEnd(9)} ${text}`));
  context.print(lines.join("\n"));
}

/** What is in effect, and what it took the place of, the nearest first. */
function ranksOf({ value, source, overrode }: ConfigExplanation): Array<Record<string, string>> {
  if (value === undefined) return [];
  const ranks = [
    { rank: "in effect", value, source },
    ...overrode.map((one) => ({ rank: "overrode", ...one })),
  ];
  return ranks.map((one) => ({ rank: one.rank, value: inline(one.value), from: place(one.source) }));
}

/** The settings within an object, which may come from as many places. */
function partsOf(
  config: ConfigReader,
  path: readonly string[],
  value: Readonly<Record<string, unknown>>,
): Array<Record<string, string>> {
  return leavesOf(value, path)
    .map((leaf) => config.explain(formatPath(leaf)))
    .map((one) => ({ setting: one.path, value: inline(one.value), from: place(one.source) }));
}
