export type { Registrar, Token } from "./container.js";
export * from "./create-kernel.js";
export * from "./events.js";
export type { HealthCheck, HealthReport, HealthResult, HealthStatus } from "./health.js";
export type { Hooks, KernelHooks } from "./hooks.js";
export type { Kernel, Outcome } from "./kernel.js";
export { severalProcesses } from "./several-processes.js";
export { service, type ServiceDecorator } from "./service.js";
export { TOOL } from "./tool.js";
