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
    const monitor = new PerformanceMonitor(undefined, () => kernel.metrics());
    kernel.services.value(PerformanceMonitor, monitor);
    const counting = new EventCounting(kernel.id, (operation, name, event) =>
      monitor.count(operation, name, event),
    );
    kernel.services.value(EventCounting, counting);
    kernel.onStop(() => counting.listen(false));
    // What other plugins meet while they start, such as a store that is not there, counts too.
    configure(kernel);
  },
  start: configure,
  reload: configure,
});

export default monitorPlugin;

function configure(kernel: PluginKernel): void {
  const { buckets, maxOperations } = kernel.config.section<MonitorSection>("monitor");
  const enabled = kernel.config.get("performance.enableMonitoring", true);
  kernel.resolve(PerformanceMonitor).configure({ enabled, buckets, maxOperations });
  kernel.resolve(EventCounting).listen(enabled);
}
