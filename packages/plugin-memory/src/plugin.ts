import { definePlugin, type ConfigReader } from "@mlmcp/core";
import { nativeBinding } from "./diagnostics/native-binding.js";
import { MemoryOptimizer } from "./memory-optimizer.js";
import { memorySchema, type MemoryOptions } from "./options.js";

/** Adds the service {@link MemoryOptimizer}, set up by the section `memory`. */
export const memoryPlugin = definePlugin({
  name: "@mlmcp/plugin-memory",
  section: "memory",
  schema: memorySchema,
  register({ services, config }) {
    services.factory(MemoryOptimizer, () => new MemoryOptimizer(optionsOf(config)));
  },
  reload: (kernel) => kernel.resolve(MemoryOptimizer).configure(optionsOf(kernel.config)),
  diagnostics: [nativeBinding()],
});

export default memoryPlugin;

function optionsOf(config: ConfigReader): MemoryOptions {
  return config.section<MemoryOptions>("memory");
}
