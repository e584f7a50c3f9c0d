import type { Command } from "@mlmcp/core";
import { ModelCache } from "../models/model-cache.js";
import { printableRow } from "./printable.js";

export const modelsList: Command = {
  name: "cache models list",
  description: "The models that are kept, the latest version of each first.",
  arguments: ["[name]"],
  async run({ kernel, args: [name] }) {
    const models = await kernel.resolve(ModelCache).list(name);
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
  present: (rows: readonly object[]) => rows.map(printableRow),
};
