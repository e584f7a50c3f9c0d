import { statSync } from "node:fs";
import { severalProcesses, type ProductionCheck } from "@mlmcp/core";
import { isEnabled, sectionOf } from "./kernel/kernel-cache.js";
import { locate } from "./stores/location.js";
import { sqliteFile } from "./stores/open-store.js";

/**
 * Cached results are data of the application: no other user of the machine may read or change
 * them, in the file or in the log beside it.
 */
export const privateFile: ProductionCheck = {
  name: "private-file",
  check({ config }) {
    const file = isEnabled(config) ? sqliteFile(sectionOf(config).store, config.cwd) : undefined;
    if (file === undefined || process.platform === "win32") return undefined;
    const open = [file, `${file}-wal`].filter((path) => (modeOf(path) & 0o006) !== 0);
    const [first] = open;
    if (first === undefined) return undefined;
    const rights = (modeOf(first) & 0o777).toString(8).padStart(4, "0");
    return {
      level: "refuse",
      message: `The cache file ${first} is open to every user of the machine (mode ${rights}). Run \`chmod 600 ${open.join(" ")}\`.`,
    };
  },
};

function modeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
}

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

const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** What is cached may be read by whoever can read another machine's store, its backups and its replicas. */
export const encryptedStore: ProductionCheck = {
  name: "encrypted-store",
  check({ config }) {
    const { store, encryptionKey } = sectionOf(config);
    if (!isEnabled(config) || encryptionKey !== undefined || typeof store !== "string") return undefined;
    const server = locate(store);
    if (!server || loopback.test(new URL(server.url).hostname)) return undefined;
    return {
      level: "warn",
      message:
        `The cache keeps what methods return on ${server.name}, where whoever may read that server, its backups or its replicas can read it. ` +
        "Set `cache.encryptionKey`, such as `${CACHE_KEY}` with the output of `openssl rand -base64 32`.",
    };
  },
};
