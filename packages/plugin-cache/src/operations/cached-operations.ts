import {
  ConfigurationError,
  describePending,
  ErrorClassifier,
  nearest,
  operationOf,
  pendingFor,
  type AnyFunction,
  type OperationInfo,
  type PluginKernel,
} from "@mlmcp/core";
import { createCallKeys, type CallKeys } from "./call-keys.js";
import type { EffectiveCachedOptions } from "../options/cached.js";
import { createKeeping, type Keeping } from "./keeping.js";
import { type KernelCache, sectionOf } from "../kernel/kernel-cache.js";

/**
 * Names an operation: its id (`"Users.find"`), a method of the same class (`"find"`), the
 * decorated method itself (`Users.prototype.find`), or a function that gives it
 * (`() => Users.prototype.find`), for a class that is not there yet.
 */
export type OperationReference = string | AnyFunction;

/** An operation under `@cached`, with what its entries are called and how they are kept. */
export interface CachedOperation {
  readonly info: OperationInfo;
  readonly options: EffectiveCachedOptions;
  readonly keys: CallKeys;
  readonly keeping: Keeping;
}

/** An operation that is decorated with `@cached`. */
export interface FoundOperation {
  readonly info: OperationInfo;
  /** Missing while its caching is turned off: what there is of it is only known as a whole. */
  readonly cached: CachedOperation | undefined;
}

/** Finds the operations of one kernel whose results are cached. */
export class CachedOperations {
  readonly #kernel: PluginKernel;
  readonly #own: KernelCache;

  constructor(kernel: PluginKernel, own: KernelCache) {
    this.#kernel = kernel;
    this.#own = own;
  }

  /** All that are cached by what the configuration says now, by id. */
  list(): CachedOperation[] {
    return this.#kernel.operations.list().flatMap((info) => {
      try {
        const options = this.#optionsOf(info);
        return options ? [this.#describe(info, options)] : [];
      } catch {
        // A chain that cannot be made is reported where it is called, and by a rule of the core.
        return [];
      }
    });
  }

  /**
   * The operation that a reference names.
   *
   * @param near the operation in whose class the name of a method is looked for
   * @throws ConfigurationError (`MLMCP_CACHE_OPERATION`) where there is none, it is not decorated with
   * `@cached`, or its class is not known yet (`pending` in the context)
   */
  find(reference: OperationReference, near?: OperationInfo): FoundOperation {
    const info = this.#locate(reference, near);
    const options = this.#optionsOf(info);
    if (options) return { info, cached: this.#describe(info, options) };
    const { skipped } = this.#kernel.operations.explain(info.id);
    if (skipped.some(({ advice }) => advice === "cached")) return { info, cached: undefined };
    throw unknownOperation(notCached(info.id), info.id);
  }

  /**
   * The text of a call's key.
   *
   * @param self the object whose call is meant, where instances do not share results
   * @throws ConfigurationError where the arguments cannot be a key, or the object is missing
   */
  async textOf({ info, options, keys }: CachedOperation, self: unknown, args: unknown[]): Promise<string> {
    if (options.scope === "instance" && info.kind === "method" && !isInstance(self, info)) {
      throw new ConfigurationError(
        `The instances of ${info.className} do not share the results of ${info.id}, and nothing says whose is meant. ` +
          "Give the object: `invalidate(operation, args, { instance })`, or decorate a method of the same object.",
        { code: "MLMCP_CACHE_KEY", context: { operation: info.id } },
      );
    }
    const text = keys.textOf(self, args);
    return keys.files ? keys.files.textOf(text, keys.files.of(args)) : text;
  }

  #locate(reference: OperationReference, near: OperationInfo | undefined): OperationInfo {
    const { operations } = this.#kernel;
    const found =
      typeof reference === "function"
        ? (operationOf(reference) ?? (isGiver(reference) ? operationOf(reference()) : undefined))
        : (operations.get(reference) ?? methodBeside(near, reference));
    if (found && operations.pending().includes(found))
      throw unknownOperation(`What is named is ${describePending([found])}`, found.id, true);
    if (found) return found;
    if (typeof reference === "string") throw this.#missing(reference, near);
    throw unknownOperation(
      "The function that was given is no decorated method and gives none. Give `Users.prototype.find`, `() => Users.prototype.find` or an id.",
      reference.name,
    );
  }

  #missing(reference: string, near: OperationInfo | undefined): ConfigurationError {
    const { operations } = this.#kernel;
    const known = operations.list();
    const bare = undecorated(reference, near, known);
    if (bare !== undefined) return unknownOperation(notCached(bare), reference);
    const pending = pendingFor(reference, operations.pending());
    if (pending.length > 0) {
      const problem = `There is no operation "${reference}" yet. It may be ${describePending(pending)}`;
      return unknownOperation(problem, reference, true);
    }
    const beside = known
      .map(({ methodName }) => String(methodName))
      .filter((name) => name !== near?.methodName && methodBeside(near, name));
    const meant = nearest(reference, [...beside, ...known.map(({ id }) => id)]);
    return unknownOperation(
      `There is no operation "${reference}". ${meant ? `Did you mean "${meant}"?` : "Import its class first, or name another one."}`,
      reference,
    );
  }

  #optionsOf({ id }: OperationInfo): EffectiveCachedOptions | undefined {
    const { chain } = this.#kernel.operations.explain(id);
    const step = chain.find(({ advice }) => advice === "cached");
    if (!step) return undefined;
    return Object.fromEntries(
      step.options.map(({ name, value }) => [name, value]),
    ) as unknown as EffectiveCachedOptions;
  }

  #describe(info: OperationInfo, options: EffectiveCachedOptions): CachedOperation {
    return {
      info,
      options,
      keys: createCallKeys(info.id, options, this.#own),
      keeping: createKeeping(options, {
        subject: `@cached on ${info.id}`,
        defaultTtl: sectionOf(this.#kernel.config).ttl,
        classifier: this.#kernel.resolve(ErrorClassifier),
      }),
    };
  }
}

/** A method of the same class, or one that it inherits. */
function methodBeside(near: OperationInfo | undefined, name: string): OperationInfo | undefined {
  return operationOf(near && memberOf(near, name));
}

/** The id of a method that there is in the same class, or in the class that an id names, and that nothing decorates. */
function undecorated(
  reference: string,
  near: OperationInfo | undefined,
  known: readonly OperationInfo[],
): string | undefined {
  const around = near ? [near, ...known] : known;
  for (const one of around) {
    const prefix = `${one.className}.${one.kind === "static" ? "static." : ""}`;
    if (one !== near && !reference.startsWith(prefix)) continue;
    const name = reference.startsWith(prefix) ? reference.slice(prefix.length) : reference;
    if (typeof memberOf(one, name) === "function") return prefix + name;
  }
  return undefined;
}

/** What stands in an operation's class under a name. */
function memberOf({ owner, kind }: OperationInfo, name: string): unknown {
  const holder = (kind === "static" ? owner : owner?.prototype) as Record<string, unknown> | undefined;
  return name !== "constructor" && holder && name in holder ? holder[name] : undefined;
}

/** Whether a function may be called for what it gives. A method that nobody decorated would do its work. */
function isGiver(given: AnyFunction): boolean {
  return /^(?:function\b|\([^(){}]*\)\s*=>|[\w$]+\s*=>)/.test(Function.prototype.toString.call(given));
}

function isInstance(self: unknown, { owner }: OperationInfo): boolean {
  return owner !== undefined && self instanceof (owner as abstract new () => object);
}

function notCached(id: string): string {
  return `${id} is not decorated with @cached. Put @cached() on it.`;
}

function unknownOperation(problem: string, operation: string, pending = false): ConfigurationError {
  return new ConfigurationError(problem, {
    code: "MLMCP_CACHE_OPERATION",
    context: { operation, ...(pending && { pending }) },
  });
}
