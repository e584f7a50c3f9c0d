import type { Command } from "@mlmcp/core";
import { CacheManager } from "../cache-manager.js";
import { countedEntries } from "./counted.js";
import { stateOf } from "./state.js";
import { storeOf } from "./store-access.js";

interface Problem {
  readonly problem: string;
  readonly mend: string;
}

interface Verdict {
  readonly store: string;
  /** Entries that were read; missing where the store cannot list them. */
  readonly entries?: number;
  readonly problems: readonly Problem[];
}

export const verify: Command = {
  name: "cache verify",
  description: "Looks for damage: in the file, and in every entry.",
  async run({ kernel }): Promise<Verdict> {
    const store = await storeOf(kernel);
    const damage = (await store.file?.verify()) ?? [];
    const problems: Problem[] = damage.map((problem) => ({
      problem: `${store.file!.path}: ${problem}`,
      mend: "Put a backup in its place (`mlmcp cache restore <file>`), or remove the file: it is made anew.",
    }));
    // Entries of a file that is damaged may not come to an end.
    if (!store.entries || damage.length > 0) return { store: store.name, problems };
    let entries = 0;
    const found = { unencrypted: 0, unreadable: 0 };
    for await (const entry of kernel.resolve(CacheManager).entries()) {
      if (entry.key === undefined) continue;
      entries++;
      const state = stateOf(entry);
      if (state === "unencrypted" || state === "unreadable") found[state]++;
    }
    if (found.unencrypted > 0) {
      problems.push({
        problem: `${found.unencrypted} of ${entries} entries are not encrypted: they were written without cache.encryptionKey, and can be read by whoever reads the store`,
        mend: "They are never used again. Delete them: `mlmcp cache clear --unencrypted`.",
      });
    }
    if (found.unreadable > 0) {
      problems.push({
        problem: `${found.unreadable} of ${entries} entries cannot be read: damaged, or written with another key, class or version`,
        mend: "They are made anew when they are asked for. Where that is all of them, compare cache.encryptionKey with that of the processes that wrote them.",
      });
    }
    return { store: store.name, entries, problems };
  },
  present: ({ store, entries, problems }: Verdict) =>
    problems.length === 0
      ? `${store} is sound${entries === undefined ? "" : `: ${countedEntries(entries)} can be read`}.`
      : problems.map(({ problem, mend }) => `${problem}\n  → ${mend}`).join("\n"),
  failure: ({ store, problems }: Verdict) => (problems.length > 0 ? `${store} is not sound` : undefined),
};
