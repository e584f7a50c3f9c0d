import { checkSchema, type JsonSchema } from "../../config/schema/schema.js";
import { ConfigurationError } from "../../errors/index.js";
import type { BreakerSnapshot } from "./breaker-changes.js";

/** Breakers as they can be written down, in JSON. */
export interface SavedBreakers {
  readonly version: 1;
  readonly breakers: readonly SavedBreaker[];
}

/** One breaker as it can be written down. */
export interface SavedBreaker extends BreakerSnapshot {
  /** The operation's id, or the name of a shared breaker. */
  readonly operation: string;
  readonly key?: string;
}

const savedSchema: JsonSchema = {
  type: "object",
  required: ["version", "breakers"],
  properties: {
    version: { const: 1 },
    breakers: {
      type: "array",
      items: {
        type: "object",
        required: ["operation", "state", "failures"],
        properties: {
          operation: { type: "string" },
          key: { type: "string" },
          state: { enum: ["closed", "open", "halfOpen", "isolated"] },
          failures: { type: "integer", minimum: 0 },
          openedAt: { type: "number" },
        },
      },
    },
  },
};

/** @throws ConfigurationError where a value is not what `CircuitBreakers.save` gives */
export function refuseUnlessSaved(saved: unknown): void {
  const { issues } = checkSchema(savedSchema, saved);
  if (issues.length > 0) {
    const problems = issues.map(({ path, message }) => `${path.join(".") || "the value"}: ${message}`);
    throw new ConfigurationError(
      `CircuitBreakers.restore() was given something else than save() gives:\n  ${problems.join("\n  ")}`,
      { code: "MLMCP_BREAKER_STATE", context: { problems } },
    );
  }
}

/** Names the breaker of a key, in one text. */
export function toId(operation: string, key: string | undefined): string {
  return JSON.stringify(key === undefined ? [operation] : [operation, key]);
}

export function fromId(id: string): { operation: string; key?: string } {
  const [operation, key] = JSON.parse(id) as [string, string?];
  return key === undefined ? { operation } : { operation, key };
}
