import type { JsonSchema } from "@mlmcp/core";
import type { SizeRange } from "./memory/adaptive-size.js";
import type { MemoryBounds } from "./memory/memory-tier.js";
import { problemOfAdapter } from "./stores/keyv-store.js";
import { problemOfUrl } from "./stores/location.js";
import type { StoreSetting } from "./stores/open-store.js";

declare module "@mlmcp/core" {
  interface ConfigSections {
    cache: CacheSection;
  }
}

/** The section `cache`. */
export interface CacheSection {
  /**
   * What stands behind the memory: `sqlite://<file>`, relative to the configuration's directory;
   * `redis://`, `rediss://`, `valkey://`, `valkeys://` or `postgres://` with user, password (both
   * percent-encoded), host, port and database, for several machines; `memory:` for nothing; or, from code, a Keyv adapter,
   * which stays open when the kernel stops.
   * @default "sqlite://.mlmcp/cache.db"
   */
  store: StoreSetting;
  /** How long results are fresh where the decorator does not say. Milliseconds. @default 1h */
  ttl: number;
  /** Entries in memory, of all operations together; those that are worth least go first (W-TinyLFU). @default 1000 */
  maxEntries: number;
  /** Bytes of the values in memory, as far as they can be estimated. @default 64MB */
  maxBytes: number;
  /** Lets `maxEntries` grow and shrink within a range, by what was evicted and asked for again. @default it stays */
  adaptive?: SizeRange;
  /** Namespaces that have room of their own in memory, apart from all others. @default none */
  namespaces?: Record<string, MemoryBounds>;
  /** Values of more bytes than this are compressed on their way to the store. @default 32KB */
  compressOver: number;
  /**
   * Encrypts what the store holds, by AES-256-GCM. Of several the first one encrypts and all
   * decrypt, so that keys can be changed while their entries are in use. @default nothing is encrypted
   */
  encryptionKey?: string | readonly [string, ...string[]];
  /**
   * Makes the names of entries in the store HMACs, so that nobody can find out by trying which
   * arguments they stand for. @default derived from the last `encryptionKey`; without one, names are SHA-256
   */
  keySecret?: string;
  /**
   * How long a call waits for the store. Milliseconds; 10 or more. A store that does not answer
   * three times in a row is asked nothing more until it does.
   * @default 250ms
   */
  storeTimeout: number;
  /** Keeps several caches on one store apart: up to 40 letters, digits, `_`, `-` and `.`. @default "" */
  storePrefix: string;
  /** How models are kept. */
  models: ModelsSection;
  /** About how large a SQLite file may grow, in bytes; what expires first goes first. @default 1GB */
  maxFileBytes: number;
}

/** `cache.models`: how `ModelCache` keeps models. */
export interface ModelsSection {
  /** Relative to the configuration's directory. @default ".mlmcp/models" */
  directory: string;
  /** Versions older than this go when the next one is saved, unless they are the latest or stand on a stage. Milliseconds. @default for ever */
  maxAge?: number;
  /** The latest so many versions of each model stay, and those on a stage. @default all */
  keep?: number;
  /** Whether artifacts are compressed. @default false */
  compress: boolean;
}

export const cacheSectionSchema = {
  description: "The cache of @cached.",
  type: "object",
  properties: {
    store: {
      description:
        "What stands behind the memory: sqlite://<file>, relative to the configuration; redis://, rediss://, valkey://, valkeys:// or postgres:// with user, password (percent-encoded), host, port and database; or memory: for nothing.",
      anyOf: [
        {
          title: "a URL",
          type: "string",
          examples: ["sqlite://.mlmcp/cache.db", "redis://cache:6379", "postgres://db/app", "memory:"],
          // What is behind the scheme of a server is for the check alone, which shows nothing of it.
          pattern: "^(memory:|sqlite://(?!:memory:).+|(rediss?|valkeys?|postgres(ql)?):[\\s\\S]*)$",
          check: problemOfUrl,
        },
        { type: "object", check: problemOfAdapter },
      ],
      default: "sqlite://.mlmcp/cache.db",
    },
    ttl: {
      description: "How long results are fresh where the decorator does not say.",
      duration: true,
      default: "1h",
    },
    maxEntries: {
      description:
        "Entries in memory, of all operations together; those that are worth least go first (W-TinyLFU).",
      type: "integer",
      minimum: 1,
      default: 1000,
    },
    maxBytes: {
      description: "Bytes of the values in memory, as far as they can be estimated.",
      size: true,
      default: "64MB",
    },
    adaptive: {
      description: "Lets maxEntries grow and shrink, by what was evicted and asked for again.",
      type: "object",
      properties: {
        min: { description: "Entries that it always keeps.", type: "integer", minimum: 1 },
        max: { description: "Entries that it never exceeds.", type: "integer", minimum: 1 },
      },
      required: ["min", "max"],
    },
    namespaces: {
      description: "Namespaces that have room of their own in memory, apart from all others.",
      type: "object",
      additionalProperties: {
        type: "object",
        properties: {
          maxEntries: { description: "Entries of the namespace.", type: "integer", minimum: 1 },
          maxBytes: { description: "Bytes of its values. Default: no bound.", size: true },
        },
        required: ["maxEntries"],
      },
    },
    storeTimeout: {
      description: "How long a call waits for the store.",
      duration: true,
      minimum: 10,
      default: "250ms",
    },
    storePrefix: {
      description: "Keeps several caches on one store apart: letters, digits, _, - and .",
      type: "string",
      pattern: "^[\\w.-]{0,40}$",
      title: "up to 40 letters, digits, _, - or .",
      examples: ["shop"],
      default: "",
    },
    models: {
      description: "How ModelCache keeps models.",
      type: "object",
      default: {},
      properties: {
        directory: {
          description: "Where models are kept, relative to the configuration.",
          type: "string",
          minLength: 1,
          default: ".mlmcp/models",
        },
        maxAge: {
          description:
            "Versions older than this go when the next one is saved, unless they are the latest or stand on a stage.",
          duration: true,
        },
        keep: {
          description: "The latest so many versions of each model stay, and those on a stage.",
          type: "integer",
          minimum: 1,
        },
        compress: { description: "Whether artifacts are compressed.", type: "boolean", default: false },
      },
    },
    maxFileBytes: {
      description: "About how large a SQLite file may grow; what expires first goes first.",
      size: true,
      minimum: 1_048_576,
      default: "1GB",
    },
    compressOver: {
      description: "Values of more bytes than this are compressed on their way to the store.",
      size: true,
      default: "32KB",
    },
    encryptionKey: {
      description: "Encrypts what the store holds. A list rotates: the first one encrypts, all decrypt.",
      anyOf: [
        { type: "string", minLength: 1 },
        { type: "array", items: { type: "string", minLength: 1 }, minItems: 1 },
      ],
      secret: true,
    },
    keySecret: {
      description:
        "Makes the names of entries in the store HMACs. Default: derived from the last encryptionKey.",
      type: "string",
      minLength: 1,
      secret: true,
    },
  },
} satisfies JsonSchema;
