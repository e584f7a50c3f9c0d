import type { JsonSchema } from "./schema.js";

/** A part of the configuration and what may stand in it. */
export interface SectionSchema {
  /** Its top-level key: `cache`. */
  readonly name: string;
  readonly schema: JsonSchema;
  /** Who owns it, for messages. */
  readonly plugin: string;
}

/** The section `system`. */
export interface SystemOptions {
  /** Chooses the profile; `production` refuses what is unsafe. @default "development" */
  environment: string;
  /** Keeps more for a person who looks for a fault. @default false */
  debug: boolean;
  /** Makes errors of what is otherwise a warning, such as an unknown `MLMCP_*` variable. @default false */
  strict: boolean;
  /** `true` gives every operation `currentOperation()`, `false` none; otherwise those whose advice needs it. */
  context?: boolean;
  /** How long a stop waits for calls in flight, and for each plugin. Milliseconds, at most 24.8 days. @default 10000 */
  stopTimeout: number;
  /** How long the start of one plugin may take. Milliseconds, at most 24.8 days. @default 30000 */
  startTimeout: number;
}

/** What `setTimeout` can wait for; it would fire at once for more. */
const timer: JsonSchema = { duration: true, maximum: 2 ** 31 - 1 };

const system: JsonSchema = {
  type: "object",
  properties: {
    environment: { type: "string", minLength: 1, default: "development" },
    debug: { type: "boolean", default: false },
    strict: { type: "boolean", default: false },
    context: { type: "boolean" },
    stopTimeout: { ...timer, default: "10s" },
    startTimeout: { ...timer, default: "30s" },
  },
};

/** The section `performance`: master switches that plugins honour. */
export interface PerformanceOptions {
  /** @default true */
  enableCaching: boolean;
  /** @default true */
  enableParallel: boolean;
  /** @default true */
  enableMonitoring: boolean;
  /** Workers for everything that runs in parallel; -1 is one for each processor. */
  nJobs?: number;
}

const performance: JsonSchema = {
  type: "object",
  properties: {
    enableCaching: { type: "boolean", default: true },
    enableParallel: { type: "boolean", default: true },
    enableMonitoring: { type: "boolean", default: true },
    nJobs: { anyOf: [{ type: "integer", minimum: 1 }, { const: -1 }] },
  },
};

/** The section `errorHandling`. */
export interface ErrorHandlingOptions {
  /** Retries of `@retry` where the decorator names none. @default 3 */
  maxRetries: number;
}

const errorHandling: JsonSchema = {
  type: "object",
  properties: { maxRetries: { type: "integer", minimum: 0, default: 3 } },
};

/** The sections of the core itself. */
export const coreSections: readonly SectionSchema[] = [
  { name: "system", schema: system, plugin: "@mlmcp/core" },
  { name: "performance", schema: performance, plugin: "@mlmcp/core" },
  { name: "errorHandling", schema: errorHandling, plugin: "@mlmcp/core" },
];

/** Top-level keys that are no sections. */
export const coreKeys = ["plugins", "profiles", "operations", "app"] as const;
