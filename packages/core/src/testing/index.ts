export { type ContractRule, type ContractOptions } from "./contract.js";
export { createTestKernel, type TestKernelOptions } from "./create-test-kernel.js";
export {
  decoratorContract,
  runDecoratorContract,
  type DecoratorSubject,
  type DecoratorRule,
} from "./decorator-contract.js";
export { pluginContract, runPluginContract, type PluginSubject, type PluginRule } from "./plugin-contract.js";
export {
  legacySubjects,
  standardSubjects,
  type SubjectDefinition,
  type Subjects,
  type SubjectClass,
} from "./subjects.js";
