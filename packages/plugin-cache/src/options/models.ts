import type { JsonSchema } from "@mlmcp/core";
import { checkOptions } from "./check-options.js";

const flow = { signal: { type: "object" }, onProgress: { typeof: "function" } } satisfies Record<
  string,
  JsonSchema
>;

const metadata = {
  type: "object",
  properties: {
    metrics: { type: "object", additionalProperties: { type: "number" } },
    features: { type: "array", items: { type: "string" } },
  },
  // More may be told.
  additionalProperties: {},
} satisfies JsonSchema;

const saveSchema = {
  type: "object",
  properties: { ...flow, metadata, version: { type: ["string", "number"] } },
} satisfies JsonSchema;

const loadSchema = {
  type: "object",
  properties: { ...flow, as: { enum: ["bytes", "stream"] } },
} satisfies JsonSchema;

const exportSchema = {
  type: "object",
  properties: { ...flow, overwrite: { type: "boolean" } },
} satisfies JsonSchema;

const schemas = { saveModel: saveSchema, loadModel: loadSchema, exportModel: exportSchema };

/** Options as they were given. @throws ValidationError (`MLMCP_CACHE_OPTIONS`) with all that is wrong */
export function checkModelOptions(method: keyof typeof schemas, options: object): void {
  checkOptions(`ModelCache.${method}`, schemas[method], options);
}
