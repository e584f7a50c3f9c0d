import type { Command } from "@mlmcp/core";
import { ModelCache } from "../models/model-cache.js";
import { printableRow } from "./printable.js";

export const modelsList: Command = {
  name: "cache models list",
  description: "The models that are kept, the latest version of each first.",
  arguments: ["[name]"],
  async run({ kernel, args: [name] }) {
    const cache = kernel.resolve(ModelCache);
    const models = await cache.list(name);
    // A name that nothing has fails, with the nearest.
    if (name !== undefined && models.length === 0) await cache.describe(name);
    return models.map(({ name: model, version, stages, created, size, kind, metrics = {} }) => ({
      name: model,
      version,
      stages: stages.join(", "),
      created: created.toISOString(),
      bytes: size,
      kind,
      metrics: Object.entries(metrics)
        .map(([metric, value]) => `${metric} ${value}`)
        .join(", "),
    }));
  },
  present: (rows: readonly object[]) => (rows.length === 0 ? "There are none." : rows.map(printableRow)),
};
