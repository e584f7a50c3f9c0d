import "./events.js";
import "./values/core-errors.js";

export { cacheable, type CacheableOptions } from "./values/classes.js";
export { cacheKey } from "./keys/canonical.js";
export type { FileKey } from "./keys/files.js";
export type { Advice } from "./advice/advice.js";
export type { ScopeOptions } from "./operations/insight.js";
export { CacheManager } from "./cache-manager.js";
export type { OperationReference } from "./operations/cached-operations.js";
export { changed, previousResult, unchanged } from "./operations/conditional.js";
export { cached, type CachedDecoration, type CachedDecorator } from "./decorators/cached.js";
export type { CachedOptions, CacheErrors } from "./options/cached.js";
export { cacheEvict, type CacheEvictDecorator } from "./decorators/cache-evict.js";
export type { CacheEvictOptions } from "./options/cache-evict.js";
export { cachePut, type CachePutDecorator } from "./decorators/cache-put.js";
export type { CachePutOptions } from "./options/cache-put.js";
export type { CacheEntry } from "./engine/entries.js";
export type { GetOrSetOptions, KeyOptions, MakeContext, SetOptions } from "./options/manager.js";
export {
  ModelCache,
  type LoadedModel,
  type LoadModelOptions,
  type ModelStatistics,
  type SaveModelOptions,
} from "./models/model-cache.js";
export type { ArtifactKind, GivenMetadata, ModelMetadata } from "./models/model-info.js";
export type { FlowOptions, ModelProgress } from "./models/packing.js";
export type { CacheSection, ModelsSection } from "./options.js";
export type { CacheAction, Previous } from "./engine/plan.js";
export { cachePlugin, default } from "./plugin.js";
export type { StaleReason, Tier } from "./statistics/counters.js";
export type {
  CachedOperationStatistics,
  CacheStatistics,
  OperationStatistics,
} from "./statistics/summary.js";
export type { TimingOptions } from "./options/timing.js";
export type { StoreSetting } from "./stores/open-store.js";
export type { WarmUpReport } from "./operations/warm-up.js";
