import type { Operation } from "./operation.js";
import { shared } from "./shared-state.js";

type Class = abstract new (...args: any[]) => unknown;

/**
 * The operations of one class body. Found by prototype for legacy decorators, by the class's
 * metadata object for standard ones, which run before their class exists.
 */
export class Home {
  readonly instance = new Map<string | symbol, Operation>();
  readonly static = new Map<string | symbol, Operation>();

  of(isStatic: boolean): Map<string | symbol, Operation> {
    return isStatic ? this.static : this.instance;
  }

  *operations(): Iterable<Operation> {
    yield* this.instance.values();
    yield* this.static.values();
  }
}

export function homeOf(key: object): Home {
  let home = shared.homes.get(key);
  if (!home) shared.homes.set(key, (home = new Home()));
  return home;
}

/** Tells the operations of a class body which class it has become. */
export function completeOwner(metadata: object, owner: Class, className?: string): void {
  for (const operation of shared.homes.get(metadata)?.operations() ?? []) {
    if (operation.owner !== owner || className !== undefined)
      operation.belongTo(owner, className ?? owner.name);
  }
}

/** Tells the operations of a class, and of those that it extends, where they stand: of what has metadata. */
export function learnClass(type: object): void {
  for (
    let known: unknown = type;
    typeof known === "function" && known !== Function.prototype;
    known = Object.getPrototypeOf(known)
  ) {
    const metadata = ownMetadata(known);
    if (isObject(metadata)) completeOwner(metadata, known as unknown as Class);
  }
}

/**
 * The class whose body has this metadata, found from an instance: the instance may be of a
 * subclass.
 */
export function classOf(instance: object, metadata: object): Class | undefined {
  for (
    let prototype: unknown = Object.getPrototypeOf(instance);
    isObject(prototype);
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const { constructor } = prototype;
    if (typeof constructor === "function" && ownMetadata(constructor) === metadata)
      return constructor as Class;
  }
  return undefined;
}

/** The same without metadata, which not every compiler gives: the class whose method the operation is. */
export function classHolding(instance: object, operation: Operation): Class | undefined {
  for (
    let prototype: unknown = Object.getPrototypeOf(instance);
    isObject(prototype);
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const held = Object.getOwnPropertyDescriptor(prototype, operation.methodName)?.value as unknown;
    if (held === operation.dispatcher) return prototype.constructor as Class;
  }
  return undefined;
}

function ownMetadata(constructor: object): unknown {
  return Object.getOwnPropertyDescriptor(constructor, Symbol.metadata)?.value;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
