import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { makeFolder, ProcessingError, ValidationError, type Command } from "@mlmcp/core";
import { fileOf } from "./store-access.js";

export const backup: Command = {
  name: "cache backup",
  description: "Writes a copy of the cache file while it is in use; makes the folder where it is missing.",
  arguments: ["<file>"],
  options: [{ flags: "--overwrite", description: "replace the file where it is there" }],
  async run({ kernel, args: [given], options, progress }) {
    const store = fileOf(kernel);
    const file = resolve(given!);
    if (existsSync(file) && options["overwrite"] !== true) {
      throw new ValidationError(`${file} is there already. Name another file, or give --overwrite.`, {
        code: "MLMCP_CACHE_ARGUMENT",
      });
    }
    try {
      await makeFolder(dirname(file));
      await store.backup(file, progress);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ProcessingError(`${file} was not written: ${reason}.`, {
        code: "MLMCP_CACHE_BACKUP",
        cause: error,
        context: { file },
        suggestions: ["Name another file."],
      });
    }
    return { file, bytes: statSync(file).size };
  },
  present: ({ file, bytes }: { file: string; bytes: number }) => `Wrote ${file}, ${bytes} bytes.`,
};
