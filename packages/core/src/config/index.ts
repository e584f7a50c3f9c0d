export { resolveConfig, type KnownSchemas } from "./load.js";
export { nearest } from "./nearest.js";
export type { AdviceSchema } from "./operation-settings.js";
export type { PluginEntry } from "./sources/plugin-entries.js";
export { ConfigManager } from "./config-manager.js";
export type { ConfigPath, ConfigSections, ConfigValue, Written } from "./config-types.js";
export { defineConfig, type KernelConfig, type MlmcpConfig, type OperationConfig } from "./define-config.js";
export { defineSection } from "./define-section.js";
export type { ConfigProblem } from "./problems.js";
export {
  describeSource,
  type ConfigExplanation,
  type ConfigReader,
  type ConfigSource,
  type OperationSettings,
} from "./reader.js";
export { checkSchema, type CheckedValue, type JsonSchema, type SchemaIssue } from "./schema/schema.js";
export type { ErrorHandlingOptions, PerformanceOptions, SectionSchema, SystemOptions } from "./sections.js";
export type { SecretResolver } from "./secrets/secrets.js";
export { readSources, type ConfigSources, type SourceOptions } from "./sources/sources.js";
export { parseDuration, parseSize, type Duration, type Size } from "./schema/units.js";
export { makeFolder } from "./writing/make-folder.js";
