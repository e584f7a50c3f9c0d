import { definePlugin, ErrorClassifier, STALE_ANSWERS, TOOL, type PluginKernel } from "@mlmcp/core";
import { CacheManager } from "./cache-manager.js";
import { byHand } from "./operations/call-keys.js";
import { CachedOperations } from "./operations/cached-operations.js";
import * as commands from "./commands/index.js";
import { forgetContext, noteContext } from "./operations/conditional.js";
import { cacheEvict } from "./decorators/cache-evict.js";
import { cachePut } from "./decorators/cache-put.js";
import { cached } from "./decorators/cached.js";
import { cacheOfNothing } from "./diagnostics/cache-of-nothing.js";
import { cacheReference } from "./diagnostics/cache-reference.js";
import { cacheStore } from "./diagnostics/cache-store.js";
import { cacheTimes } from "./diagnostics/cache-times.js";
import { nativeBinding } from "./diagnostics/native-binding.js";
import { isEnabled, KernelCache, sectionOf } from "./kernel/kernel-cache.js";
import { CacheInsight } from "./operations/insight.js";
import { createModels, modelHealth } from "./kernel/kernel-models.js";
import { ModelCache } from "./models/model-cache.js";
import { cacheSectionSchema } from "./options.js";
import { createOwner } from "./kernel/owner.js";
import { metrics } from "./metrics.js";
import { encryptedStore, privateFile, sharedStore } from "./production-checks.js";
import { warnOfReferences } from "./operations/warn-of-references.js";
import { WarmUp } from "./operations/warm-up.js";

/** Brings `@cached`, `@cacheEvict` and `@cachePut`, the services `CacheManager` and `ModelCache`, the section `cache` and the commands `mlmcp cache …`. */
export const cachePlugin = definePlugin({
  name: "@mlmcp/plugin-cache",
  section: "cache",
  schema: cacheSectionSchema,
  decorators: [cached, cacheEvict, cachePut],
  register(kernel) {
    const own = new KernelCache(kernel);
    const { cache } = own;
    kernel.services.value(KernelCache, own);
    kernel.services.value(STALE_ANSWERS, own.staleAnswers);
    kernel.services.value(ModelCache, createModels(kernel, own.keyRing));
    const operations = new CachedOperations(kernel, own);
    kernel.services.value(CachedOperations, operations);
    const owner = createOwner(cache, byHand, { event: (name) => kernel.event(name) });
    const insight = new CacheInsight(kernel, own, operations);
    kernel.services.value(CacheInsight, insight);
    const errors = kernel.event("cache:error");
    const warmUp = new WarmUp(kernel, operations, (operation, error) => {
      cache.countersOf(operation).errors++;
      errors.publish({ action: "warm", error, operation });
    });
    kernel.hooks.hook("kernel:started", () => {
      if (!kernel.services.has(TOOL)) void warmUp.run();
      warnOfReferences(kernel);
    });
    kernel.hooks.hook("kernel:draining", () => warmUp.stop());
    kernel.services.value(
      CacheManager,
      new CacheManager({
        cache,
        owner,
        operations,
        warmUp,
        insight,
        classifier: () => kernel.resolve(ErrorClassifier),
        defaultTtl: () => sectionOf(kernel.config).ttl,
        enabled: () => isEnabled(kernel.config),
      }),
    );
  },
  async start(kernel) {
    kernel.onStop(() => forgetContext(kernel));
    await open(kernel);
    kernel.resolve(CacheInsight).start();
  },
  reload: open,
  async stop(kernel) {
    await kernel.resolve(CacheInsight).stop();
    await kernel.resolve(KernelCache).stop();
  },
  commands: Object.values(commands),
  healthChecks: [
    (kernel) => ({
      name: "store",
      critical: false,
      check: () => kernel.resolve(KernelCache).health(),
      reconnect: () => kernel.resolve(KernelCache).reconnect(),
    }),
    (kernel) => ({
      name: "models",
      critical: false,
      check: () => modelHealth(kernel.resolve(ModelCache)),
    }),
  ],
  metrics,
  productionChecks: [privateFile, sharedStore, encryptedStore],
  diagnostics: [nativeBinding(), cacheStore, cacheOfNothing, cacheTimes, cacheReference],
});

function open(kernel: PluginKernel): Promise<void> {
  noteContext(kernel, isEnabled(kernel.config));
  return kernel.resolve(KernelCache).open();
}

export default cachePlugin;
