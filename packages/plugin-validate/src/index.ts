export { default, validatePlugin } from "./plugin.js";
export { validated } from "./decorators/validated.js";
export { InputValidator, type ValidateOptions, type Validation } from "./input-validator.js";
export type { ValidationFailed } from "./events.js";
export type { ValueIssue } from "./issues.js";
export type { ValidatedOptions, ValidationSection } from "./options.js";
export type { ParameterRange, ParameterType, ParameterTypes } from "./parameter.js";
export { SchemaCompiler, type Check, type Schema } from "./schemas.js";
