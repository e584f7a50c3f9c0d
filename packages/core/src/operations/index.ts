export { attemptsOf, recordAttempts, type Attempt } from "./attempts.js";
export {
  currentOperation,
  type Call,
  type CallChanges,
  type CallerContext,
  type CallScope,
  type OutcomeNotes,
} from "./call.js";
export type { OperationExplanation } from "./chain.js";
export { createMethodDecorator } from "./decorator.js";
export type {
  AnyDecorator,
  DecorationOptions,
  MethodDecorator,
  OperationDecorator,
} from "./decorator-types.js";
export { operationOf, type AnyFunction, type OperationInfo, type ReturnKind } from "./operation.js";
export { describePending, pendingFor } from "./pending.js";
export { PHASES, type Phase, type Placement } from "./phases.js";
export type { OperationRegistry } from "./registry.js";
export type { SourceLocation } from "./source-location.js";
export type { AdviceOptions, WrapOptions } from "./wrap.js";
