import { definePlugin } from "@mlmcp/core";
import { CacheManager } from "./cache-manager.js";
import { clear, stats } from "./commands.js";
import { cached } from "./decorators/cached.js";
import { cacheOfNothing } from "./diagnostics/cache-of-nothing.js";
import { nativeBinding } from "./diagnostics/native-binding.js";
import { isEnabled, KernelCache, sectionOf } from "./kernel-cache.js";
import { cacheSectionSchema } from "./options.js";
import { createOwner } from "./owner.js";
import { privateFile, sharedStore } from "./production-checks.js";

/** Brings `@cached`, the service `CacheManager`, the section `cache` and the commands `mlmcp cache …`. */
export const cachePlugin = definePlugin({
  name: "@mlmcp/plugin-cache",
  section: "cache",
  schema: cacheSectionSchema,
  decorators: [cached],
  register(kernel) {
    const own = new KernelCache(kernel);
    const { cache } = own;
    kernel.services.value(KernelCache, own);
    kernel.services.value(
      CacheManager,
      new CacheManager({
        cache,
        owner: createOwner(cache, "CacheManager", { event: (name) => kernel.event(name) }),
        defaultTtl: () => sectionOf(kernel.config).ttl,
        enabled: () => isEnabled(kernel.config),
      }),
    );
  },
  start: (kernel) => kernel.resolve(KernelCache).open(),
  reload: (kernel) => kernel.resolve(KernelCache).open(),
  stop: (kernel) => kernel.resolve(KernelCache).close(),
  commands: [stats, clear],
  healthChecks: [
    (kernel) => ({
      name: "store",
      critical: false,
      check: () => kernel.resolve(KernelCache).health(),
      reconnect: () => kernel.resolve(KernelCache).reconnect(),
    }),
  ],
  productionChecks: [privateFile, sharedStore],
  diagnostics: [nativeBinding(), cacheOfNothing],
});

export default cachePlugin;
