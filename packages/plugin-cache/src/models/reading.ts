import { Readable } from "node:stream";
import { deserializeSnapshot } from "../values/codec.js";
import type { KeyRing } from "../values/encryption.js";
import { damaged } from "./model-errors.js";
import type { ModelFiles } from "./model-files.js";
import type { Manifest } from "./model-info.js";
import { unpack, type FlowOptions } from "./packing.js";

/** The bytes of an artifact; the stream fails with `MLMCP_MODEL_DAMAGED` where they are not as they were. */
export function readArtifact(
  files: ModelFiles,
  manifest: Manifest,
  keys: KeyRing | undefined,
  options: FlowOptions,
): Readable {
  async function* reported(): AsyncGenerator<Buffer> {
    try {
      yield* unpack(files.artifact(manifest.name, manifest.version), manifest, keys, options);
    } catch (cause) {
      throw options.signal?.aborted ? cause : damaged(manifest, cause);
    }
  }
  return Readable.from(reported(), { objectMode: false });
}

/** The value that an artifact was made of. */
export async function decodeArtifact(manifest: Manifest, bytes: Buffer): Promise<unknown> {
  try {
    return (await deserializeSnapshot(bytes)).value;
  } catch (cause) {
    throw damaged(manifest, cause);
  }
}
