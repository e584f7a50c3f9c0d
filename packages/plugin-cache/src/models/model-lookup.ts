import { isMlmcpError } from "@mlmcp/core";
import { unknown } from "./model-errors.js";
import type { ModelFiles, Promotion } from "./model-files.js";
import type { Manifest, ModelMetadata } from "./model-info.js";
import { parseReference } from "./model-name.js";

/**
 * The manifest that a reference means.
 *
 * @throws ModelError `MLMCP_MODEL_UNKNOWN`, saying what there is; `MLMCP_MODEL_DAMAGED`
 */
export async function findManifest(files: ModelFiles, reference: string): Promise<Manifest> {
  const { name, version, stage } = parseReference(reference);
  const wanted = stage === undefined ? version : (await files.promotions(name, stage))[0]?.version;
  if (wanted !== undefined) {
    const manifest = await files.manifest(name, wanted);
    if (manifest) return manifest;
  }
  const known = latestFirst(await files.manifests(name));
  if (wanted === undefined && stage === undefined) {
    if (known[0]) return known[0];
    // Where there are versions all the same, they are damaged.
    for (const each of await files.versions(name)) await files.manifest(name, each);
  }
  const stages = await files.stages(name);
  const names = known.length > 0 ? [] : await files.names();
  throw unknown(
    reference,
    { name, version: wanted, stage },
    { names, versions: known.map((each) => each.version), stages },
  );
}

/** As {@link stagesByVersion}, of one version. */
export async function stagesOf(
  files: ModelFiles,
  { name, version }: Pick<Manifest, "name" | "version">,
  damage?: "fails",
): Promise<readonly string[]> {
  return (await stagesByVersion(files, name, damage)).get(version) ?? [];
}

/**
 * The stages of each version that stands on some.
 *
 * @param damage what a damaged promotion does. Where something is told, it `"counts not"`: the stage
 * is nobody's; where something is to be deleted, it `"fails"`.
 * @throws ModelError `MLMCP_MODEL_DAMAGED`
 */
export async function stagesByVersion(
  files: ModelFiles,
  name: string,
  damage: "counts not" | "fails" = "counts not",
): Promise<Map<string, string[]>> {
  const byVersion = new Map<string, string[]>();
  for (const stage of await files.stages(name)) {
    const [current]: readonly (Promotion | undefined)[] = await files
      .promotions(name, stage)
      .catch((error: unknown) => {
        if (damage === "fails" || !isMlmcpError(error)) throw error;
        return [];
      });
    if (current) byVersion.set(current.version, [...(byVersion.get(current.version) ?? []), stage]);
  }
  return byVersion;
}

export function latestFirst(manifests: readonly Manifest[]): Manifest[] {
  return [...manifests].sort(
    (one, other) =>
      other.created - one.created || other.version.localeCompare(one.version, "en", { numeric: true }),
  );
}

/** What is told of a version. */
export function describe(manifest: Manifest, stages: readonly string[]): ModelMetadata {
  const { name, version, created, size, sha256, kind, metadata } = manifest;
  return { ...metadata, name, version, created: new Date(created), size, sha256, kind, stages };
}
