import { isPlainObject } from "../../config/plain.js";
import { describeSource } from "../../config/reader.js";
import { REDACTED } from "../../config/secrets/secrets.js";
import type { Kernel } from "../../kernel/kernel.js";
import type { CommandContext } from "../context.js";
import { toYaml } from "./config-yaml.js";
import { knownOperations } from "./known-operations.js";

/** What stands below `operations` for one operation. */
interface Block {
  readonly id: string;
  readonly settings: Record<string, unknown>;
  /** Where the settings came from; the paths begin with the advice. */
  readonly comments: Array<{ readonly path: readonly string[]; readonly text: string }>;
  /** What is not among the settings, and why. */
  readonly remarks: string[];
}

/**
 * `mlmcp operations export [glob]`: the effective options of every operation, as they would stand
 * under `operations` in the configuration, each with where it came from. What no file can hold, and
 * secrets, are left out.
 */
export async function exportOperations(
  context: CommandContext,
  glob: string | undefined,
  { changed = false }: { readonly changed?: boolean },
): Promise<void> {
  const { kernel, ids } = await knownOperations(context, glob);
  const blocks = ids
    .map((id) => blockOf(kernel, id, changed))
    .filter(({ settings }) => !changed || Object.keys(settings).length > 0);
  const operations = Object.fromEntries(blocks.map(({ id, settings }) => [id, settings]));
  if (context.options.json === true) {
    context.print(JSON.stringify({ operations }, (_key, value: unknown) => escaped(value), 2));
    return;
  }
  const title = changed ? "what the configuration changes" : "the effective options of every operation";
  const remarks = blocks.flatMap((block) => block.remarks.map((remark) => `${block.id}: ${remark}`));
  const comments = blocks.flatMap(({ id, comments: own }) =>
    own.map(({ path, text }) => ({ path: ["operations", id, ...path], text })),
  );
  context.print(toYaml({ operations }, { heading: [title, ...remarks].join("\n "), comments }));
}

function blockOf(kernel: Kernel, id: string, changed: boolean): Block {
  const block: Block = { id, settings: {}, comments: [], remarks: [] };
  const { chain, skipped } = kernel.operations.explain(id);
  const { advice: configured, order, sources } = kernel.config.operation(id);
  const add = (path: readonly string[], value: unknown, text: string): void => {
    const [advice, option] = path as [string, string?];
    if (option === undefined) block.settings[advice] = value;
    else block.settings[advice] = { ...(block.settings[advice] as object), [option]: value };
    block.comments.push({ path, text });
  };
  const whence = (key: string) => (sources[key] ? describeSource(sources[key]) : "the configuration");

  // An advice stands in the chain once for each of its parts, with the same options.
  const steps = new Map(chain.map(({ advice, options }) => [advice, options]));
  for (const [advice, options] of steps) {
    if (!changed && options.length === 0) add([advice], true, "it has no options");
    for (const { name, value, source } of options) {
      if (value === undefined || (changed && !(`${advice}.${name}` in sources))) continue;
      if (!isWritable(value))
        block.remarks.push(`${advice}.${name} is left out, since only code can give it`);
      else if (JSON.stringify(value).includes(REDACTED))
        block.remarks.push(`${advice}.${name} is left out, since it is secret`);
      else add([advice, name], value, source);
    }
  }
  for (const { advice, reason } of skipped) {
    if (configured[advice] === false) add([advice], false, whence(advice));
    else if (!changed) block.remarks.push(`@${advice} passes through, ${reason}`);
  }
  if (order) add(["order"], order, whence("order"));
  return block;
}

/** Whether a file can hold a value. */
function isWritable(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isWritable);
  if (isPlainObject(value)) return Object.values(value).every(isWritable);
  return value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value);
}

/** A `${` in an effective value refers to nothing any more. */
function escaped(value: unknown): unknown {
  return typeof value === "string" ? value.replaceAll("${", () => "$${") : value;
}
