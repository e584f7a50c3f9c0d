import { ConfigurationError } from "@mlmcp/core";

/** How the instances of a class are cached. */
export interface CacheableOptions<T, Data = unknown> {
  /**
   * Names the class in stored entries, so that it may be renamed and minified: unique in the
   * application, and another one when the data change their form.
   */
  readonly id: string;
  /** What an instance is made of: anything that can be cached, instances of other registered classes included. */
  encode(instance: T): Data;
  /** Makes an instance out of a copy of what `encode` gave, which it may keep. */
  decode(data: Data): T;
}

/** A class, also one whose constructor is private. */
interface AnyClass<T> {
  readonly prototype: T;
  readonly name: string;
}

/** What the walk over a value knows of a class. */
export interface CacheableClass extends CacheableOptions<object> {
  readonly Class: AnyClass<object>;
  /** Errors without `encode` and `decode` travel by their own properties. */
  readonly byProperties: boolean;
}

interface Registry {
  readonly byId: Map<string, CacheableClass>;
  readonly byPrototype: WeakMap<object, CacheableClass>;
}

// One for all copies of this package in the process.
const key = Symbol.for("@mlmcp/plugin-cache/classes/1");
const host = globalThis as { [key]?: Registry };
const registry: Registry = (host[key] ??= { byId: new Map(), byPrototype: new WeakMap() });

/**
 * Lets the instances of a class be cached, each taker getting one of its own. Call it where the
 * class is defined, so that a process knows the class before it reads the first entry that holds
 * one; until then such an entry is as good as missing. Subclasses are classes of their own.
 *
 * A subclass of Error needs the id alone: its own properties travel, private fields do not, and
 * its constructor does not run.
 *
 * ```ts
 * class Money {
 *   constructor(readonly amount: bigint, readonly currency: string) {}
 *   static {
 *     cacheable(Money, {
 *       id: "shop/Money",
 *       encode: ({ amount, currency }) => [amount, currency] as const,
 *       decode: ([amount, currency]) => new Money(amount, currency),
 *     });
 *   }
 * }
 * ```
 *
 * @throws ConfigurationError (`MLMCP_CACHE_CLASS`) where another class has the id.
 */
export function cacheable<T extends Error>(Class: AnyClass<T>, options: { readonly id: string }): void;
export function cacheable<T extends object, Data>(
  Class: AnyClass<T>,
  options: CacheableOptions<T, Data>,
): void;
export function cacheable(
  Class: AnyClass<object>,
  options: { readonly id: string } & Partial<CacheableOptions<object>>,
): void {
  const { id, encode, decode } = options;
  const known = registry.byId.get(id);
  // A module may be loaded anew; its classes replace those of before.
  if (known && known.Class !== Class && known.Class.name !== Class.name) {
    throw new ConfigurationError(
      `cacheable(${Class.name}, …) has the id ${JSON.stringify(id)}, which belongs to the class ${known.Class.name}. Give each class an id of its own.`,
      { code: "MLMCP_CACHE_CLASS", context: { id } },
    );
  }
  const byProperties = encode === undefined && decode === undefined && Class.prototype instanceof Error;
  if (!byProperties && (typeof encode !== "function" || typeof decode !== "function")) {
    throw new ConfigurationError(
      `cacheable(${Class.name}, …) needs \`encode\` and \`decode\`; only subclasses of Error do without both.`,
      { code: "MLMCP_CACHE_CLASS", context: { id } },
    );
  }
  const registered: CacheableClass = {
    id,
    Class,
    byProperties,
    encode: encode ?? ((instance) => instance),
    decode: decode ?? ((data) => data as object),
  };
  registry.byId.set(id, registered);
  registry.byPrototype.set(Class.prototype, registered);
}

/** What was registered for the class of an instance; subclasses do not inherit it. */
export function classOf(instance: object): CacheableClass | undefined {
  return registry.byPrototype.get(Object.getPrototypeOf(instance) as object);
}

export function classById(id: string): CacheableClass | undefined {
  return registry.byId.get(id);
}
