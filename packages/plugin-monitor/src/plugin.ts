import { definePlugin, type PluginKernel } from "@mlmcp/core";
import { timed } from "./decorators/timed.js";
import { EventCounting } from "./event-counting.js";
import { monitorSectionSchema, type MonitorSection } from "./options.js";
import { PerformanceMonitor } from "./performance-monitor.js";

/** `@timed` and `PerformanceMonitor`. Importing `@timed` is enough for it to be loaded. */
export const monitorPlugin = definePlugin({
  name: "@mlmcp/plugin-monitor",
  section: "monitor",
  schema: monitorSectionSchema,
  decorators: [timed],
  register(kernel) {
    const monitor = new PerformanceMonitor();
    kernel.services.value(PerformanceMonitor, monitor);
    kernel.services.value(
      EventCounting,
      new EventCounting(kernel.id, (operation, name, event) => monitor.count(operation, name, event)),
    );
  },
  start: configure,
  reload: configure,
  stop(kernel) {
    kernel.resolve(EventCounting).listen(false);
  },
});

export default monitorPlugin;

function configure(kernel: PluginKernel): void {
  const { buckets, maxOperations } = kernel.config.section<MonitorSection>("monitor");
  const enabled = kernel.config.get("performance.enableMonitoring", true);
  kernel.resolve(PerformanceMonitor).configure({ enabled, buckets, maxOperations });
  kernel.resolve(EventCounting).listen(enabled);
}
