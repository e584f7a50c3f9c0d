import { inspect as show } from "node:util";
import { ValidationError, type Command, type PluginKernel } from "@mlmcp/core";
import { formatBytes, formatTime } from "../advice/units.js";
import type { FoundEntry } from "../engine/entries.js";
import { KernelCache } from "../kernel/kernel-cache.js";
import { printableRow } from "./printable.js";
import { stateOf, type EntryState } from "./state.js";
import { checkListable, storeOf } from "./store-access.js";

interface InspectedEntry {
  readonly key: string;
  readonly operation: string;
  readonly state: EntryState;
  readonly bytes: number;
  readonly created?: string;
  readonly freshUntil?: string;
  readonly expires: string;
  readonly costMs?: number;
  readonly tags?: readonly string[];
  readonly etag?: string;
  /** With `--value`. */
  readonly value?: string;
}

export const inspect: Command = {
  name: "cache inspect",
  description:
    "All that is known of one entry of the store, by its key or the beginning of it (behind -- where that is a dash).",
  arguments: ["<key>"],
  options: [{ flags: "--value", description: "show the value too, which may be confidential" }],
  async run({ kernel, args: [prefix], options }): Promise<InspectedEntry> {
    const entry = await findOne(kernel, prefix!);
    const { details } = entry;
    return {
      key: entry.key!,
      operation: entry.operation,
      state: stateOf(entry),
      bytes: entry.bytes ?? 0,
      expires: new Date(entry.expires).toISOString(),
      ...(details && {
        created: new Date(details.created).toISOString(),
        freshUntil: new Date(details.freshUntil).toISOString(),
        costMs: details.cost,
        tags: details.tags,
        ...(details.etag !== undefined && { etag: details.etag }),
      }),
      ...(options["value"] === true &&
        "value" in entry && { value: show(entry.value, { depth: 6, maxArrayLength: 50 }) }),
    };
  },
  present: ({ bytes, costMs, tags, value, ...rest }: InspectedEntry) => ({
    ...printableRow({
      ...rest,
      size: formatBytes(bytes),
      ...(costMs !== undefined && { cost: formatTime(costMs) }),
      ...(tags && { tags: tags.join(", ") }),
    }),
    // Of several lines, and what is in them is escaped already.
    ...(value !== undefined && { value }),
  }),
};

async function findOne(kernel: PluginKernel, prefix: string): Promise<FoundEntry> {
  const store = await storeOf(kernel);
  checkListable(store);
  const { cache, owner } = kernel.resolve(KernelCache);
  const found = await cache.inventory.find(prefix, 2, owner);
  const [entry, other] = found;
  if (entry && !other) return entry;
  throw new ValidationError(
    entry
      ? `"${prefix}" is the beginning of several keys. Give more of it.`
      : `There is no entry whose key begins with "${prefix}" in ${store.name}. \`mlmcp cache list\` shows the keys.`,
    { code: "MLMCP_CACHE_ARGUMENT" },
  );
}
