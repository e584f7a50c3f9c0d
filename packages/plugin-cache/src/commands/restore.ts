import { resolve } from "node:path";
import { ProcessingError, type Command } from "@mlmcp/core";
import { fileOf } from "./store-access.js";

export const restore: Command = {
  name: "cache restore",
  description: "Puts a backup in the place of the cache file, once it has been found sound.",
  destroys: "What the cache holds now is replaced by the backup.",
  arguments: ["<file>"],
  async run({ kernel, args: [given] }) {
    const store = fileOf(kernel);
    const file = resolve(given!);
    try {
      await store.restore(file);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ProcessingError(`${store.path} is as it was: ${reason}.`, {
        code: "MLMCP_CACHE_RESTORE",
        cause: error,
        context: { file },
        suggestions: ["Name a file that `mlmcp cache backup` has written."],
      });
    }
    return `${store.path} is now a copy of ${file}.`;
  },
};
