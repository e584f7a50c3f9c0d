import type { Diagnostic } from "@mlmcp/core";
import { isEnabled, sectionOf } from "../kernel-cache.js";
import { sqliteFile } from "../stores/open-store.js";

/** SQLite's native code loads, where the store needs it: otherwise results are kept in memory only. */
export function nativeBinding(load: () => Promise<unknown> = () => import("@keyv/sqlite")): Diagnostic {
  return {
    rule: "native-binding",
    async diagnose({ config }) {
      if (!isEnabled(config) || sqliteFile(sectionOf(config).store, config.cwd) === undefined) return [];
      try {
        await load();
        return [];
      } catch (error) {
        const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
        return [
          {
            level: "error",
            message: `cache.store names a SQLite file, but the native part of sqlite3 does not load: ${reason}`,
            mend:
              "Build it for this Node and this machine: `npm rebuild sqlite3`; with pnpm let its build script run " +
              '(`pnpm approve-builds`). Or do without: cache.store: "memory:".',
          },
        ];
      }
    },
  };
}
