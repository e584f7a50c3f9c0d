import { errorRuleSchema, type ErrorRule } from "../resilience/classification/error-rule.js";
import type { JsonSchema } from "./schema/schema.js";

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
  /** Says on standard error what the kernel does, a line for each step. @default false */
  debug: boolean;
  /** Makes errors of what is otherwise a warning, such as an unknown `MLMCP_*` variable. @default false */
  strict: boolean;
  /** `true` gives every operation `currentOperation()`, `false` none; otherwise those whose advice needs it. */
  context?: boolean;
  /** Whether `@chaos` takes effect. Production does not start with `true`, only with `"force"`. @default false */
  chaos: boolean | "force";
  /** How long a stop waits for calls in flight, and for each plugin. Milliseconds, at most 24.8 days. @default 10000 */
  stopTimeout: number;
  /**
   * How long the start of one plugin may take, and the reading of the configuration: at the first
   * time as a variable or code says, which are known before a file is read. Milliseconds, at most
   * 24.8 days. @default 30000
   */
  startTimeout: number;
  /** How many processes of the application run side by side; checks warn of what does not hold across them. @default 1 */
  processes: number;
  production: ProductionOptions;
  /**
   * Whether changed files are taken up by themselves: `true`, or how often they are looked at.
   * Milliseconds, at least 10. @default not watched; `true` is 1000
   */
  watch?: boolean | number;
  /** A file in which each change of the effective configuration becomes a line of JSON. @default none is kept */
  auditLog?: string;
}

/** The part `system.production`. */
export interface ProductionOptions {
  /** Names of production checks, `<plugin>/<check>`, whose refusal is accepted: it is a warning then. @default [] */
  allow: readonly string[];
}

/** How long a start may take where nothing says otherwise. */
export const START_TIMEOUT = "30s";

/** What `setTimeout` can wait for; it would fire at once for more. */
const timer: JsonSchema = { duration: true, maximum: 2 ** 31 - 1 };

const system: JsonSchema = {
  type: "object",
  description: "The kernel itself.",
  properties: {
    environment: {
      description: "Chooses the profile; production refuses what is unsafe.",
      type: "string",
      minLength: 1,
      default: "development",
    },
    debug: {
      description: "Says on standard error what the kernel does, a line for each step.",
      type: "boolean",
      default: false,
    },
    strict: {
      description: "Makes errors of what is otherwise a warning, such as an unknown variable.",
      type: "boolean",
      default: false,
    },
    context: {
      description:
        "true gives every operation currentOperation(), false none; otherwise those whose advice needs it.",
      type: "boolean",
    },
    chaos: {
      description: "Whether @chaos does anything; production needs force for it.",
      anyOf: [{ type: "boolean" }, { const: "force" }],
      default: false,
    },
    stopTimeout: {
      description: "How long a stop waits for calls in flight, and for each plugin.",
      ...timer,
      default: "10s",
    },
    startTimeout: {
      description: "How long the start of one plugin may take, and the reading of the configuration.",
      ...timer,
      default: START_TIMEOUT,
    },
    processes: {
      description: "How many processes of the application run side by side.",
      type: "integer",
      minimum: 1,
      default: 1,
    },
    production: {
      description: "What production accepts.",
      type: "object",
      properties: {
        allow: {
          description: "Names of production checks whose refusal is accepted.",
          type: "array",
          items: { type: "string", pattern: "^[^*]+$" },
          default: [],
        },
      },
      default: {},
    },
    watch: {
      description:
        "Whether changed files are taken up by themselves: true for each second, or how often they are looked at.",
      anyOf: [{ ...timer, minimum: 10 }, { type: "boolean" }],
    },
    auditLog: {
      description: "A file in which each change of the configuration becomes a line of JSON.",
      type: "string",
      minLength: 1,
    },
  },
};

/** The section `performance`: master switches that plugins honour. */
export interface PerformanceOptions {
  /** Whether anything is cached. @default true */
  enableCaching: boolean;
  /** Whether workers are used. @default true */
  enableParallel: boolean;
  /** Whether calls are timed and counted. @default true */
  enableMonitoring: boolean;
  /** Workers for everything that runs in parallel; -1 is one for each processor. */
  nJobs?: number;
}

const performance: JsonSchema = {
  type: "object",
  description: "Master switches that plugins honour.",
  properties: {
    enableCaching: { description: "Whether anything is cached.", type: "boolean", default: true },
    enableParallel: { description: "Whether workers are used.", type: "boolean", default: true },
    enableMonitoring: { description: "Whether calls are timed and counted.", type: "boolean", default: true },
    nJobs: {
      description: "Workers for everything that runs in parallel; -1 is one for each processor.",
      anyOf: [{ type: "integer", minimum: 1 }, { const: -1 }],
    },
  },
};

/** The section `errorHandling`. */
export interface ErrorHandlingOptions {
  /** Retries of `@retry` where the decorator names none. @default 3 */
  maxRetries: number;
  /**
   * What errors say about trying again, before all other rules: `{ match, class, suggestions }`
   * each, the first to match speaking. @default none
   */
  rules?: readonly ErrorRule[];
  /** A file in which each handled error becomes a line of JSON. @default none is kept */
  logFile?: string;
  /** Bytes after which the log is put aside and a new one begun. @default 10485760 */
  maxSize: number;
  /** Logs that are kept, the one that is written among them. @default 5 */
  maxFiles: number;
}

const errorHandling: JsonSchema = {
  type: "object",
  description: "What is done about errors.",
  properties: {
    maxRetries: {
      description: "Retries of @retry where the decorator names none.",
      type: "integer",
      minimum: 0,
      default: 3,
    },
    rules: {
      description: "What errors say about trying again, before all other rules; the first to match speaks.",
      type: "array",
      items: errorRuleSchema,
    },
    logFile: {
      description: "A file in which each handled error becomes a line of JSON.",
      type: "string",
      minLength: 1,
    },
    maxSize: {
      description: "How large that file grows before another is begun.",
      size: true,
      minimum: 1024,
      default: "10MB",
    },
    maxFiles: {
      description: "How many of these files are kept.",
      type: "integer",
      minimum: 1,
      maximum: 100,
      default: 5,
    },
  },
};

/** The sections of the core itself. */
export const coreSections: readonly SectionSchema[] = [
  { name: "system", schema: system, plugin: "@mlmcp/core" },
  { name: "performance", schema: performance, plugin: "@mlmcp/core" },
  { name: "errorHandling", schema: errorHandling, plugin: "@mlmcp/core" },
];

/** Top-level keys that are no sections. */
export const coreKeys = ["plugins", "profiles", "operations", "app", "extends", "$schema"] as const;

/** What is wrong with a section's name: the rest of a sentence after "which". */
export function problemOfSectionName(name: string): string | undefined {
  if (!/^[a-z][A-Za-z0-9]*$/.test(name))
    return "must be one camelCase word, so that MLMCP_* variables can name it.";
  return name in {} ? "every object has already. Choose another word." : undefined;
}
