import { ConfigurationError, nearest, type PluginKernel } from "@mlmcp/core";
import type { CachedOperation, CachedOperations } from "./cached-operations.js";
import type { ArgumentLists } from "../options/functions.js";

/** What a warm-up came to. */
export interface WarmUpReport {
  /** Calls that succeeded, whether they had to run or were in the store. */
  readonly warmed: number;
  readonly failed: number;
}

/** Calls at a time: what is asked for meanwhile must not starve. */
const concurrency = 4;

/** Makes the calls that `warm` names, so that those who ask first need not wait. */
export class WarmUp {
  readonly #kernel: PluginKernel;
  readonly #operations: CachedOperations;
  readonly #failed: (operation: string, error: unknown) => void;
  #stopped = false;

  /** @param failed told of each call that fails */
  constructor(
    kernel: PluginKernel,
    operations: CachedOperations,
    failed: (operation: string, error: unknown) => void,
  ) {
    this.#kernel = kernel;
    this.#operations = operations;
    this.#failed = failed;
  }

  /** Begins no further call. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Warms one operation, or all that say how. A call that fails is the event `cache:error` and stops no other.
   *
   * @throws ConfigurationError (`MLMCP_CACHE_OPERATION`) for an operation that is not there, or has no `warm`
   */
  async run(operation?: string): Promise<WarmUpReport> {
    const calls: Array<{ readonly of: string; make(): unknown }> = [];
    let failed = 0;
    const fail = (of: string, error: unknown): void => {
      failed++;
      this.#failed(of, error);
    };
    for (const one of this.#wanted(operation)) {
      const { id: of } = one.info;
      try {
        for (const make of await this.#callsOf(one)) calls.push({ of, make });
      } catch (error) {
        fail(of, error);
      }
    }
    let warmed = 0;
    const work = async (): Promise<void> => {
      for (let call = calls.shift(); call && !this.#stopped; call = calls.shift()) {
        try {
          await call.make();
          warmed++;
        } catch (error) {
          fail(call.of, error);
        }
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    return { warmed, failed };
  }

  #wanted(operation: string | undefined): readonly CachedOperation[] {
    const warm = this.#operations.list().filter(({ options }) => options.warm);
    if (operation === undefined) return warm;
    const wanted = warm.filter(({ info }) => info.id === operation);
    if (wanted.length > 0 || this.#isTurnedOff(operation)) return wanted;
    throw new ConfigurationError(`"${operation}" cannot be warmed: ${this.#reason(operation, warm)}`, {
      code: "MLMCP_CACHE_OPERATION",
      context: { operation },
    });
  }

  /** Why an operation cannot be warmed, and what may have been meant. */
  #reason(operation: string, warm: readonly CachedOperation[]): string {
    const ids = this.#kernel.operations.list().map(({ id }) => id);
    if (ids.length === 0) return "no operation is known before the application's modules are imported.";
    const cached = this.#operations.list().map(({ info }) => info.id);
    const others =
      warm.length === 0 ? "None can." : `These can: ${warm.map(({ info }) => info.id).join(", ")}.`;
    const lack = (id: string): string =>
      cached.includes(id) ? "@cached has no `warm`" : "method has no @cached";
    if (ids.includes(operation)) return `its ${lack(operation)}. ${others}`;
    const meant = nearest(operation, ids);
    const unknown = `there is no such operation. ${meant === undefined ? others : `Did you mean "${meant}"?`}`;
    if (meant === undefined || this.#isTurnedOff(meant) || warm.some(({ info }) => info.id === meant))
      return unknown;
    return `${unknown} Its ${lack(meant)}. ${others}`;
  }

  /** Whether an operation has a `@cached` that the configuration leaves out. */
  #isTurnedOff(operation: string): boolean {
    const { operations } = this.#kernel;
    if (!operations.get(operation)) return false;
    return operations.explain(operation).skipped.some(({ advice }) => advice === "cached");
  }

  async #callsOf({ info, options: { warm } }: CachedOperation): Promise<Array<() => unknown>> {
    const lists: unknown = typeof warm === "function" ? await warm() : warm;
    if (!isArgumentLists(lists)) {
      throw new ConfigurationError(
        `The \`warm\` of @cached on ${info.id} gave no list of argument lists. Return one such as [["EU"], ["US"]].`,
        { code: "MLMCP_CACHE_WARM", context: { operation: info.id } },
      );
    }
    const self = this.#selfOf(info);
    const method = (self as Record<string | symbol, (...args: unknown[]) => unknown>)[info.methodName]!;
    return lists.map((args) => () => Reflect.apply(method, self, args));
  }

  #selfOf({ id, kind, owner }: CachedOperation["info"]): object {
    if (owner && kind === "static") return owner;
    if (owner && this.#kernel.services.has(owner)) return this.#kernel.resolve(owner) as object;
    throw new ConfigurationError(
      `${id} cannot be warmed: its class is no service of the kernel, which has no object to call it on. ` +
        "Put @service() on the class, or remove `warm`.",
      { code: "MLMCP_CACHE_WARM", context: { operation: id } },
    );
  }
}

function isArgumentLists(given: unknown): given is ArgumentLists {
  return Array.isArray(given) && given.every(Array.isArray);
}
