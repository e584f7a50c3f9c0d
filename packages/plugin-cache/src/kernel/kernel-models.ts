import { resolve } from "node:path";
import type { HealthResult, PluginKernel } from "@mlmcp/core";
import { sectionOf } from "./kernel-cache.js";
import "../models/events.js";
import { ModelCache, type ModelSettings } from "../models/model-cache.js";
import type { LatestKeyRing } from "./latest-key-ring.js";

/** The models of one kernel, kept as the configuration says. Touches no disk before it is used. */
export function createModels(kernel: PluginKernel, keyRings: LatestKeyRing): ModelCache {
  const settings = async (): Promise<ModelSettings> => {
    const { models, encryptionKey } = sectionOf(kernel.config);
    const { directory, compress, maxAge, keep } = models;
    return {
      directory: resolve(kernel.config.cwd, directory),
      retention: { maxAge, keep },
      compress,
      keys: await keyRings.of(encryptionKey),
    };
  };
  const saved = kernel.event("model:saved");
  const loaded = kernel.event("model:loaded");
  const deleted = kernel.event("model:deleted");
  const promoted = kernel.event("model:promoted");
  return new ModelCache(settings, {
    saved: ({ name, version, size }) => saved.publish({ name, version, size }),
    loaded: ({ name, version, size }) => loaded.publish({ name, version, size }),
    deleted: (model) => deleted.publish(model),
    promoted: (model) => promoted.publish(model),
  });
}

/** Whether models can be kept; asked of those that are used alone. */
export async function modelHealth(models: ModelCache): Promise<HealthResult> {
  if (!models.isOpen) return { status: "up", details: { used: false } };
  await models.ping();
  return { status: "up", details: { used: true, ...(await models.stats()) } };
}
