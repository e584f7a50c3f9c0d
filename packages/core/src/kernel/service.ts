import { ConfigurationError } from "../errors/index.js";
import { completeOwner, learnClass } from "../operations/homes.js";
import { shared } from "../operations/shared-state.js";
import type { Token } from "./container.js";

/** How a class wants to be constructed. */
export interface ServiceInfo {
  /** In the order of the constructor's parameters; absent where the compiler's metadata say it. */
  readonly tokens: readonly Token[] | undefined;
}

type AnyClass = abstract new (...args: any[]) => unknown;

/** A class decorator, legacy and standard. */
export interface ServiceDecorator {
  <Class extends AnyClass>(target: Class, context: ClassDecoratorContext<Class>): void;
  <Class extends AnyClass>(target: Class): void;
}

/**
 * A class that the kernel constructs, once for each kernel, and disposes of when it stops
 * (`Symbol.asyncDispose`, `Symbol.dispose` or `dispose()`).
 *
 * `injections` are the classes or tokens for the constructor's parameters, in order; a
 * `static inject` says the same. Without either they are taken from the metadata that
 * TypeScript, swc and oxc write under `emitDecoratorMetadata` (esbuild writes none).
 *
 * ```ts
 * @service([Database])
 * class Reports {
 *   constructor(readonly database: Database) {}
 * }
 * kernel.resolve(Reports);
 * ```
 */
export function service(injections?: readonly Token[]): ServiceDecorator {
  if (typeof injections === "function") {
    throw new ConfigurationError("@service was used without parentheses. Write `@service()`.", {
      code: "MLMCP_DECORATION",
      context: { decorator: "service" },
    });
  }
  return (target: AnyClass, context?: ClassDecoratorContext): void => {
    shared.services.set(target, { tokens: injections ?? staticInjections(target) });
    if (context?.metadata) completeOwner(context.metadata, target);
    learnClass(Object.getPrototypeOf(target) as object);
  };
}

/** What to construct a class with; `undefined` where the class says nothing. Throws where it says too little. */
export function injectionsOf(
  type: new (...args: never[]) => unknown,
  path: readonly string[],
): readonly Token[] | undefined {
  const tokens = shared.services.get(type)?.tokens ?? staticInjections(type) ?? emittedTypes(type);
  if (!tokens) {
    if (type.length === 0) return inheritedInjections(type, path);
    if (!shared.services.has(type)) return undefined;
    throw nothingToInject(type, path);
  }
  if (tokens.length < type.length) {
    throw unknownInjection(
      type,
      `takes ${type.length} parameters, but only ${tokens.length} are named`,
      path,
    );
  }
  const unusable = tokens.findIndex((token) => token === undefined || token === null || token === Object);
  if (unusable >= 0) {
    throw unknownInjection(
      type,
      `has a parameter ${unusable + 1} of which no class is known (an interface, or modules that import each other)`,
      path,
    );
  }
  return tokens;
}

/** A class without a constructor of its own is constructed as its parent is. */
function inheritedInjections(type: AnyClass, path: readonly string[]): readonly Token[] | undefined {
  const parent: unknown = Object.getPrototypeOf(type);
  if (typeof parent !== "function" || parent === Function.prototype) return undefined;
  if (/\bconstructor\s*\(/.test(Function.prototype.toString.call(type))) return undefined;
  return injectionsOf(parent as new () => unknown, path);
}

/** The error for a class that takes parameters of which nothing is known. */
export function nothingToInject(type: AnyClass, path: readonly string[]): ConfigurationError {
  return unknownInjection(type, `takes ${type.length} parameter(s), but nothing says what to inject`, path);
}

function staticInjections(type: AnyClass): readonly Token[] | undefined {
  return Object.hasOwn(type, "inject") ? (type as unknown as { inject: readonly Token[] }).inject : undefined;
}

function emittedTypes(type: AnyClass): readonly Token[] | undefined {
  if (!shared.services.has(type)) return undefined;
  return Reflect.getOwnMetadata("design:paramtypes", type) as readonly Token[] | undefined;
}

function unknownInjection(type: AnyClass, problem: string, path: readonly string[]): ConfigurationError {
  return new ConfigurationError(
    `The constructor of ${type.name} ${problem}. Name them: \`@service([FirstClass, "second-token"])\`.`,
    { code: "MLMCP_UNKNOWN_INJECTION", context: { service: type.name, path } },
  );
}
