import { statSync } from "node:fs";
import { severalProcesses, type ProductionCheck } from "@mlmcp/core";
import { isEnabled, sectionOf } from "./kernel-cache.js";
import { sqliteFile } from "./stores/open-store.js";

/** Cached results are data of the application: no other user of the machine may read them. */
export const privateFile: ProductionCheck = {
  name: "private-file",
  check({ config }) {
    const file = isEnabled(config) ? sqliteFile(sectionOf(config).store, config.cwd) : undefined;
    if (file === undefined || process.platform === "win32") return undefined;
    const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
    if ((mode & 0o006) === 0) return undefined;
    const rights = (mode & 0o777).toString(8).padStart(4, "0");
    return {
      level: "refuse",
      message: `The cache file ${file} is open to every user of the machine (mode ${rights}). Run \`chmod 600 ${file}\`.`,
    };
  },
};

/** What one process computes and evicts, the others do not see. */
export const sharedStore: ProductionCheck = {
  name: "shared-store",
  check({ config }) {
    if (!isEnabled(config) || sectionOf(config).store !== "memory:") return undefined;
    const several = severalProcesses(config);
    if (several === undefined) return undefined;
    return {
      level: "warn",
      message:
        `cache.store is "memory:", and ${several}: each process has a cache of its own, which computes everything again and may answer differently. ` +
        'Set a store that they share, such as "sqlite://.mlmcp/cache.db".',
    };
  },
};
