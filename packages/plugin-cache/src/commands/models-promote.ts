import type { Command } from "@mlmcp/core";
import { ModelCache } from "../models/model-cache.js";

export const modelsPromote: Command = {
  name: "cache models promote",
  description: "Puts a version on a stage: `churn@production 3`. Without a version the latest one.",
  arguments: ["<stage>", "[version]"],
  async run({ kernel, args: [reference, version] }) {
    const promoted = await kernel.resolve(ModelCache).promote(reference!, version);
    return `${promoted.name}:${promoted.version} stands on ${promoted.stages.join(", ")}.`;
  },
};
