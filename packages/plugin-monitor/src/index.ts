export { default, monitorPlugin } from "./plugin.js";
export { timed } from "./decorators/timed.js";
export type { OperationSlow } from "./events.js";
export type { MonitorSection, TimedOptions } from "./options.js";
export { PerformanceMonitor, type MonitorSettings } from "./performance-monitor.js";
export { PROMETHEUS_CONTENT_TYPE } from "./prometheus.js";
export type { OperationSummary } from "./summary.js";
