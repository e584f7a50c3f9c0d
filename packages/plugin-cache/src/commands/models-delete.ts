import type { Command } from "@mlmcp/core";
import { ModelCache } from "../models/model-cache.js";
import { counted } from "./counted.js";

export const modelsDelete: Command = {
  name: "cache models delete",
  description: "Deletes a model with all its versions (`churn`), or one version (`churn:3`).",
  destroys: "What was saved is gone, and cannot be made again unless it is trained anew.",
  arguments: ["<model>"],
  options: [{ flags: "--staged", description: "Also where the version stands on a stage." }],
  async run({ kernel, args: [reference], options }) {
    const models = kernel.resolve(ModelCache);
    const gone = await models.delete(reference!, { force: options["staged"] === true });
    // A name that nothing has fails, with the nearest.
    if (gone === 0) await models.describe(reference!);
    return `Deleted ${counted(gone, "version", "versions")} of ${reference}.`;
  },
};
