import type { Command } from "@mlmcp/core";
import { formatBytes, formatTime } from "../advice/units.js";
import { CacheManager } from "../cache-manager.js";
import { cachedOperations, cachedTags, checkOperation } from "./known.js";
import { printableRow } from "./printable.js";
import { readCount } from "./read-count.js";
import { stateOf, type EntryState } from "./state.js";
import { checkListable, storeOf } from "./store-access.js";

interface ListedEntry {
  readonly key: string;
  readonly operation: string;
  readonly state: EntryState;
  readonly bytes: number;
  /** How long it took to make. */
  readonly costMs: number | undefined;
  readonly created: string | undefined;
  /** From then on it is stale. */
  readonly freshUntil: string | undefined;
  /** When it is deleted, its grace included. */
  readonly expires: string;
  readonly tags: readonly string[];
}

export const list: Command = {
  name: "cache list",
  description: "The entries of the store, in no particular order.",
  options: [
    { flags: "--operation <operation>", description: "only those of one operation" },
    { flags: "--tag <tags...>", description: "only those that have one of these tags" },
    { flags: "--expired", description: "only those that have expired, or are outdated by an invalidation" },
    { flags: "--limit <entries>", description: "how many at most; 50 where it is not given" },
  ],
  values: { operation: cachedOperations, tag: cachedTags },
  async run({ kernel, options }): Promise<ListedEntry[]> {
    const store = await storeOf(kernel);
    checkListable(store);
    const operation = options["operation"] as string | undefined;
    if (operation !== undefined) await checkOperation(kernel, store, operation);
    const wanted = options["tag"] as readonly string[] | undefined;
    const limit = readCount("--limit", options["limit"], 50);
    const found: ListedEntry[] = [];
    const entries = kernel.resolve(CacheManager).entries(operation === undefined ? {} : { operation });
    for await (const entry of entries) {
      const state = stateOf(entry);
      const { cost, created, freshUntil, tags = [] } = entry.details ?? {};
      if (entry.key === undefined || (options["expired"] === true && !isOver(state))) continue;
      if (wanted && !tags.some((tag) => wanted.includes(tag))) continue;
      found.push({
        key: entry.key,
        operation: entry.operation,
        state,
        bytes: entry.bytes ?? 0,
        costMs: cost,
        created: created === undefined ? undefined : new Date(created).toISOString(),
        freshUntil: freshUntil === undefined ? undefined : new Date(freshUntil).toISOString(),
        expires: new Date(entry.expires).toISOString(),
        tags,
      });
      if (found.length === limit) break;
    }
    return found;
  },
  present: (entries: readonly ListedEntry[]) =>
    entries.length === 0
      ? "There are none."
      : entries.map(({ key, operation, state, bytes, costMs, freshUntil, expires, tags }) =>
          printableRow({
            key,
            operation,
            state,
            size: formatBytes(bytes),
            cost: costMs === undefined ? "" : formatTime(costMs),
            "fresh until": freshUntil ?? "",
            expires,
            tags: tags.join(", "),
          }),
        ),
};

function isOver(state: EntryState): boolean {
  return state === "expired" || state === "outdated";
}
