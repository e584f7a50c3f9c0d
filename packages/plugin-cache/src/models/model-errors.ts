import { ModelError } from "@mlmcp/core";
import type { ModelReference } from "./model-name.js";

export function damaged({ name, version }: NamedVersion, cause: unknown): ModelError {
  return new ModelError(
    `The model ${name}:${version} cannot be read: ${(cause as Error).message}. Delete this version and save it anew, or load another one.`,
    { code: "MLMCP_MODEL_DAMAGED", cause, context: { name, version } },
  );
}

export function damagedManifest(file: string, { name, version }: NamedVersion, cause: unknown): ModelError {
  return new ModelError(
    `${file} is no manifest of a model: ${(cause as Error).message}. Delete this version ("${name}:${version}") and save it anew, or load another one.`,
    { code: "MLMCP_MODEL_DAMAGED", cause, context: { name, version, file } },
  );
}

export function damagedPromotion(
  file: string,
  { name, stage }: { readonly name: string; readonly stage: string },
  cause: unknown,
): ModelError {
  return new ModelError(
    `${file} does not say which version stands on ${name}@${stage}: ${(cause as Error).message}. Remove the file, and promote a version anew.`,
    { code: "MLMCP_MODEL_DAMAGED", cause, context: { name, stage, file } },
  );
}

export function taken(name: string, version: string): ModelError {
  return new ModelError(
    `${name}:${version} is there already; a version never changes. Save it under another one.`,
    {
      code: "MLMCP_MODEL_EXISTS",
      context: { name, version },
    },
  );
}

export function exhausted(name: string, last: number): ModelError {
  return new ModelError(
    `The latest version of the model ${name} is ${last}, above which there is no number. Give a \`version\`.`,
    { code: "MLMCP_MODEL_NAME", context: { name, version: String(last) } },
  );
}

interface NamedVersion {
  readonly name: string;
  readonly version: string;
}

export function staged(
  reference: string,
  context: NamedVersion & { readonly stages: readonly string[] },
): ModelError {
  return new ModelError(
    `${reference} stands on ${context.stages.join(", ")}. Promote another version first, or delete it with \`force\`.`,
    { code: "MLMCP_MODEL_STAGED", context: { ...context } },
  );
}

export function misnamed(message: string, context: Partial<ModelReference>): ModelError {
  return new ModelError(message, { code: "MLMCP_MODEL_NAME", context: { ...context } });
}

export function unusable(what: string, cause: unknown): ModelError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ModelError(`${what}: ${why}.`, { code: "MLMCP_MODEL_FILES", cause });
}

/** What there is in place of what was asked for. */
interface Known {
  readonly names: readonly string[];
  readonly versions: readonly string[];
  readonly stages: readonly string[];
}

export function unknown(
  reference: string,
  { name, version, stage }: ModelReference,
  { names, versions, stages }: Known,
): ModelError {
  let there = `There is no model ${name}; there ${names.length === 0 ? "is none at all" : `are ${some(names)}`}.`;
  if (versions.length > 0) there = `Of ${name} there are the versions ${some(versions)}.`;
  if (versions.length > 0 && stage !== undefined) {
    there =
      version === undefined
        ? `${name} has ${stages.length === 0 ? "no stages" : `the stages ${some(stages)}`}.`
        : `The version ${version}, which stood on ${stage}, has been deleted. ${there}`;
  }
  return new ModelError(`${reference} is not here. ${there}`, {
    code: "MLMCP_MODEL_UNKNOWN",
    context: { name, stage, version, versions, stages },
  });
}

function some(names: readonly string[]): string {
  return names.length > 10
    ? `${names.slice(0, 10).join(", ")} and ${names.length - 10} more`
    : names.join(", ");
}
