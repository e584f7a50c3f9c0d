import type { Command } from "@mlmcp/core";
import { ModelCache } from "../models/model-cache.js";
import { printableRow } from "./printable.js";

export const modelsShow: Command = {
  name: "cache models show",
  description: "What is known of a version of a model: `churn`, `churn:3` or `churn@production`.",
  arguments: ["<model>"],
  options: [{ flags: "--verify", description: "Read the artifact and compare it with its SHA-256." }],
  async run({ kernel, args: [reference], options }) {
    const models = kernel.resolve(ModelCache);
    const metadata = await models.describe(reference!);
    if (options["verify"] !== true) return { ...metadata, created: metadata.created.toISOString() };
    const { model } = await models.loadModel(reference!, { as: "stream" });
    // It fails where something is not as it was.
    for await (const _ of model) continue;
    return { ...metadata, created: metadata.created.toISOString(), verified: true };
  },
  present: printableRow,
};
