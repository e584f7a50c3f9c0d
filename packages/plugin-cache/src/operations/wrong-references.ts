import { isMlmcpError, type OperationInfo, type PluginKernel } from "@mlmcp/core";
import { CachedOperations, type OperationReference } from "./cached-operations.js";

/** A `@cacheEvict` or `@cachePut` that names no cached operation. */
export interface WrongReference {
  /** `@cacheEvict on Users.save`. */
  readonly subject: string;
  /** What is wrong, and what may be meant. */
  readonly problem: string;
}

/**
 * What fails at the first call of those that evict or put. Nothing is said of what a class may have
 * that is not known yet.
 */
export function wrongReferences(kernel: PluginKernel): WrongReference[] {
  const operations = kernel.resolve(CachedOperations);
  return kernel.operations.list().flatMap((info) =>
    referencesOf(kernel, info).flatMap(({ advice, reference }) => {
      try {
        operations.find(reference, info);
        return [];
      } catch (error) {
        if (!isMlmcpError(error) || error.code !== "MLMCP_CACHE_OPERATION") return [];
        if (error.context["pending"] === true) return [];
        return [{ subject: `@${advice} on ${info.id}`, problem: error.message }];
      }
    }),
  );
}

interface Reference {
  readonly advice: string;
  readonly reference: OperationReference;
}

function referencesOf(kernel: PluginKernel, { id }: OperationInfo): Reference[] {
  try {
    const { chain } = kernel.operations.explain(id);
    return chain
      .filter(({ advice }) => advice === "cacheEvict" || advice === "cachePut")
      .flatMap(({ advice, options }) => {
        const named = options.find(({ name }) => name === "operation")?.value;
        const references = named === undefined ? [] : [named as OperationReference].flat();
        return references.map((reference) => ({ advice, reference }));
      });
  } catch {
    // A chain that cannot be made is reported where it is called, and by a rule of the core.
    return [];
  }
}
