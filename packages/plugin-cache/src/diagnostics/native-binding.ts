import type { Diagnostic } from "@mlmcp/core";
import { isEnabled, sectionOf } from "../kernel/kernel-cache.js";
import { sqliteFile } from "../stores/open-store.js";
import { loadBinding, NativeBindingError } from "../stores/sqlite/binding.js";

/** SQLite's native code loads, where the store needs it: otherwise results are kept in memory only. */
export function nativeBinding(load: () => Promise<unknown> = loadBinding): Diagnostic {
  return {
    rule: "native-binding",
    async diagnose({ config }) {
      if (!isEnabled(config) || sqliteFile(sectionOf(config).store, config.cwd) === undefined) return [];
      try {
        await load();
        return [];
      } catch (error) {
        const { message, mend } = error instanceof NativeBindingError ? error : new NativeBindingError(error);
        return [{ level: "error", message: `cache.store names a SQLite file, but ${message}`, mend }];
      }
    },
  };
}
