import { ConfigurationError } from "@mlmcp/core";
import type { Cache } from "../engine/cache.js";
import { cacheKey, canonical, isSameUsed } from "../keys/canonical.js";
import { fileKeys, type FileDigests, type FileKey } from "../keys/files.js";
import { createKeys, keyspace } from "../keys/key.js";

type Args = unknown[];

/** What of an operation's options names its entries. */
export interface CallKeyOptions {
  readonly key?: (...args: any[]) => unknown;
  readonly files?: (...args: any[]) => unknown;
  readonly namespace?: string;
  readonly version?: string | number;
  readonly scope?: "class" | "instance";
}

/** How the calls of one operation are named. */
export interface CallKeys {
  /**
   * The text of a call's key, without the state of its files.
   *
   * @throws ConfigurationError (`MLMCP_CACHE_KEY`) where the arguments cannot be a key
   */
  textOf(self: unknown, args: Args): string;
  /** Whether what the key is made of may be changed while the method runs. */
  isAlterable(self: unknown, args: Args): boolean;
  /** Missing where the operation depends on no files. */
  readonly files?: {
    /** @throws ConfigurationError where `files` gave no paths */
    of(args: Args): readonly FileKey[];
    /** The text of the key with the state of the files in it. @throws the file system's error */
    textOf(text: string, files: readonly FileKey[]): Promise<string>;
  };
  /** Whether no other process has this object, so that its results are for this one alone. */
  isPrivate(self: unknown): boolean;
}

export function createCallKeys(
  operation: string,
  options: CallKeyOptions,
  { cache, digests }: { readonly cache: Cache; readonly digests: FileDigests },
): CallKeys {
  const { key, files, scope } = options;
  const space = keyspace(operation, options);
  const ofClass = createKeys(operation, cache.spaceOf(space), key);
  const instances =
    scope === "instance" ? new InstanceKeys(operation, cache.spaceOf(`${space}instance`), key) : undefined;
  return {
    textOf: instances
      ? (self, args) => (isObject(self) ? instances.of(self)(args) : ofClass(args))
      : (_self, args) => ofClass(args),
    ...(files && {
      files: {
        of: (args) => readFiles(files(...args), operation),
        textOf: async (text, paths) => `${text}|${await digests.of(paths)}`,
      },
    }),
    isAlterable: (self, args) =>
      args.some(isObject) || (instances !== undefined && isObject(self) && declaresIdentity(self)),
    isPrivate: (self) => instances !== undefined && isObject(self) && !declaresIdentity(self),
  };
}

/** Keys that tell instances apart: by what they say that they are, or else one by one. */
class InstanceKeys {
  readonly #operation: string;
  readonly #space: string;
  readonly #key: CallKeyOptions["key"];
  readonly #anonymous = new WeakMap<object, (args: Args) => string>();

  constructor(operation: string, space: string, key: CallKeyOptions["key"]) {
    this.#operation = operation;
    this.#space = space;
    this.#key = key;
  }

  of(self: object): (args: Args) => string {
    if (declaresIdentity(self)) return this.#keysIn(this.#identityOf(self));
    let keys = this.#anonymous.get(self);
    if (!keys) this.#anonymous.set(self, (keys = this.#keysIn(`#${numberOf(self)};`)));
    return keys;
  }

  #keysIn(identity: string): (args: Args) => string {
    return createKeys(this.#operation, this.#space + identity, this.#key);
  }

  #identityOf(self: object): string {
    try {
      return canonical(self);
    } catch (error) {
      throw new ConfigurationError(
        `${this.#operation} cannot be cached by instance: the [cacheKey] of ${self.constructor.name} gave no key. ${String(error)}`,
        { code: "MLMCP_CACHE_KEY", cause: error, context: { operation: this.#operation } },
      );
    }
  }
}

const numbers = new WeakMap<object, number>();
let counted = 0;

/** The same wherever in this process it is asked for. */
function numberOf(instance: object): number {
  let number = numbers.get(instance);
  if (number === undefined) numbers.set(instance, (number = counted++));
  return number;
}

/** What entries belong to that are made by hand. */
export const byHand = "CacheManager";

/** The texts of keys that are given by hand. @throws ConfigurationError for what cannot be a key */
export function keysByHand(cache: Cache, namespace?: string): (key: unknown) => string {
  const keyOf = createKeys(byHand, cache.spaceOf(keyspace(byHand, { namespace })));
  return (key) => keyOf([key]);
}

/** Tells whether a key is still what it was, as {@link Plan.hasSameKey}. */
export function sameKey(textNow: () => string, text: string): (used: boolean) => boolean {
  return (used) => (used ? isSameUsed(textNow(), text) : textNow() === text);
}

function readFiles(given: unknown, operation: string): readonly FileKey[] {
  const files = fileKeys(given);
  if (files) return files;
  throw new ConfigurationError(
    `The \`files\` of @cached on ${operation} gave ${JSON.stringify(given)}. Return a path, \`{ path, by: "content" | "stat" }\`, or an array of them.`,
    { code: "MLMCP_CACHE_KEY", context: { operation } },
  );
}

function declaresIdentity(self: object): boolean {
  return typeof (self as { [cacheKey]?: unknown })[cacheKey] === "function";
}

export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
