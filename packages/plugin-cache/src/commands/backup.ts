import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { ValidationError, type Command } from "@mlmcp/core";
import { fileOf } from "./store-access.js";

export const backup: Command = {
  name: "cache backup",
  description: "Writes a copy of the cache file while it is in use.",
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
    await store.backup(file, progress);
    return { file, bytes: statSync(file).size };
  },
  present: ({ file, bytes }: { file: string; bytes: number }) => `Wrote ${file}, ${bytes} bytes.`,
};
