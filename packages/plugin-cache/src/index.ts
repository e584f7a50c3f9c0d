import "./events.js";

export { cacheKey } from "./canonical.js";
export { CacheManager, type SetOptions } from "./cache-manager.js";
export { cached, type CachedDecorator } from "./decorators/cached.js";
export type { CachedDecoration } from "./decorators/cached-types.js";
export type { CachedOptions, CacheSection } from "./options.js";
export type { CacheAction } from "./plan.js";
export { cachePlugin, default } from "./plugin.js";
export type { CacheStatistics, OperationStatistics, Tier } from "./statistics.js";
export type { StoreSetting } from "./stores/open-store.js";
