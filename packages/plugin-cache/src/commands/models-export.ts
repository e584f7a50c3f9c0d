import { resolve } from "node:path";
import type { Command } from "@mlmcp/core";
import { ModelCache } from "../models/model-cache.js";

export const modelsExport: Command = {
  name: "cache models export",
  description: "Writes the artifact of a model to a file, once it has been verified.",
  arguments: ["<model>", "<file>"],
  options: [{ flags: "--overwrite", description: "Replace the file where it is there." }],
  async run({ kernel, args: [reference, file], options }) {
    const { name, version, size } = await kernel
      .resolve(ModelCache)
      .exportModel(reference!, file!, { overwrite: options["overwrite"] === true });
    return `Wrote ${name}:${version}, ${size} bytes, to ${resolve(file!)}.`;
  },
};
