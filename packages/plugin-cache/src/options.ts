import type { Duration, JsonSchema } from "@mlmcp/core";
import type { AnyParameters, AnyResult } from "./decorators/cached-types.js";
import type { StoreSetting } from "./stores/open-store.js";

/**
 * Options of `@cached`. Each of its functions may name as many of the method's parameters as it
 * needs, hence a type for each.
 */
export interface CachedOptions<
  KeyArgs extends AnyParameters = AnyParameters,
  FilesArgs extends AnyParameters = AnyParameters,
  WhenArgs extends AnyParameters = AnyParameters,
  Result = AnyResult,
> {
  /**
   * How long a result is fresh, in milliseconds or as a text (`"5m"`). 0 keeps nothing: calls
   * share what is under way, and that is all.
   * @default the section's `cache.ttl`, 1 hour
   */
  ttl?: Duration;
  /**
   * What identifies a call, in place of its arguments: for arguments that cannot be part of a
   * key, such as a signal or a connection, and for those that change nothing about the result.
   * @default all arguments
   */
  key?: (...args: KeyArgs) => unknown;
  /**
   * Files that the result depends on. Their content becomes part of the key, so that a
   * result is found again after a file was touched, and not after it was changed.
   * @default none
   */
  files?: (...args: FilesArgs) => string | readonly string[];
  /** Keeps entries apart that would be the same, such as those of two tenants' installations. @default none */
  namespace?: string;
  /** Change it when the method's results mean something else than before: older entries are no longer found. @default none */
  version?: string | number;
  /**
   * Whether each caller gets a copy, so that none can change what another gets. `false` gives
   * all the same object: for results that nobody changes, and for those that cannot be copied,
   * which then live in memory only.
   * @default true
   */
  isolate?: boolean;
  /**
   * Whether a result is kept. Callers that wait for the same result get it all the same.
   * @default every result is kept; errors never are
   */
  when?: (result: Result, args: WhenArgs) => boolean | Promise<boolean>;
}

declare module "@mlmcp/core" {
  interface AdviceOptions {
    cached: CachedOptions | Duration;
  }
  interface ConfigSections {
    cache: CacheSection;
  }
}

export const cachedSchema = {
  description: "Keeps results: options of @cached.",
  type: "object",
  properties: {
    ttl: { description: "How long a result is fresh; 0 keeps nothing. Default: cache.ttl.", duration: true },
    key: { typeof: "function" },
    files: { typeof: "function" },
    namespace: { description: "Keeps entries apart that would be the same.", type: "string" },
    version: {
      description: "Change it when the results mean something else than before.",
      type: ["string", "number"],
    },
    isolate: { description: "Whether each caller gets a copy.", type: "boolean", default: true },
    when: { typeof: "function" },
  },
} satisfies JsonSchema;

/** The section `cache`. */
export interface CacheSection {
  /**
   * What stands behind the memory: `sqlite://<file>`, relative to the configuration's directory;
   * `memory:` for nothing; or, from code, a Keyv adapter, which stays open when the kernel stops.
   * @default "sqlite://.mlmcp/cache.db"
   */
  store: StoreSetting;
  /** How long results are fresh where the decorator does not say. Milliseconds. @default 1h */
  ttl: number;
  /** Entries in memory, of all operations together; the least recently used go first. @default 1000 */
  maxEntries: number;
}

export const cacheSectionSchema = {
  description: "The cache of @cached.",
  type: "object",
  properties: {
    store: {
      description:
        "What stands behind the memory: sqlite://<file>, relative to the configuration, or memory: for nothing.",
      anyOf: [{ type: "string", pattern: "^(memory:|sqlite://(?!:memory:).+)$" }, { type: "object" }],
      default: "sqlite://.mlmcp/cache.db",
    },
    ttl: {
      description: "How long results are fresh where the decorator does not say.",
      duration: true,
      default: "1h",
    },
    maxEntries: {
      description: "Entries in memory, of all operations together; the least recently used go first.",
      type: "integer",
      minimum: 1,
      default: 1000,
    },
  },
} satisfies JsonSchema;
