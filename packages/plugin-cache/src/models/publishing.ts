import { exhausted, taken } from "./model-errors.js";
import type { Draft, ModelFiles } from "./model-files.js";
import type { Manifest } from "./model-info.js";

/**
 * Puts a draft into place as the version that its manifest names.
 *
 * @param blob what the draft's artifact is called among all artifacts
 * @throws ModelError `MLMCP_MODEL_EXISTS` where there is one
 */
export async function publishAs(
  files: ModelFiles,
  draft: Draft,
  blob: string,
  manifest: Manifest,
): Promise<Manifest> {
  if (await files.publish(draft, blob, manifest)) return manifest;
  throw taken(manifest.name, manifest.version);
}

/**
 * Puts a draft into place under the number after the greatest; of several who do so at the same time
 * each gets one.
 *
 * @throws ModelError `MLMCP_MODEL_NAME` where there is no greater number
 */
export async function publishNext(
  files: ModelFiles,
  draft: Draft,
  blob: string,
  manifestOf: (version: string) => Manifest,
): Promise<Manifest> {
  const { name } = manifestOf("");
  for (;;) {
    // Also of those that cannot be read: their names are taken.
    const numbers = (await files.versions(name)).map(Number).filter(Number.isSafeInteger);
    const last = numbers.reduce((one, other) => Math.max(one, other), 0);
    if (last === Number.MAX_SAFE_INTEGER) throw exhausted(name, last);
    const manifest = manifestOf(String(last + 1));
    if (await files.publish(draft, blob, manifest)) return manifest;
  }
}
