import { isDeepStrictEqual } from "node:util";
import { ModelError } from "@mlmcp/core";
import type { GivenMetadata } from "./model-info.js";

const ownNames = ["name", "version", "created", "size", "sha256", "kind", "stages"];

/**
 * A copy of metadata that a manifest can hold.
 *
 * @throws ModelError `MLMCP_MODEL_METADATA`
 */
export function plainMetadata(name: string, metadata: GivenMetadata): GivenMetadata {
  const refuse = (problem: string): ModelError =>
    new ModelError(`The metadata of the model ${name} cannot be kept: ${problem}.`, {
      code: "MLMCP_MODEL_METADATA",
      context: { name },
    });
  const own = Object.keys(metadata).find((key) => ownNames.includes(key));
  if (own !== undefined) throw refuse(`\`${own}\` is the model cache's own`);
  for (const [key, value] of Object.entries(metadata)) {
    let copy: unknown;
    try {
      copy = JSON.parse(JSON.stringify(value) ?? "null");
    } catch (cause) {
      throw refuse(`\`${key}\`: ${(cause as Error).message}`);
    }
    if (value !== undefined && !isDeepStrictEqual(copy, value)) {
      throw refuse(`\`${key}\` is not the same after JSON; give plain data`);
    }
  }
  return JSON.parse(JSON.stringify(metadata)) as GivenMetadata;
}
