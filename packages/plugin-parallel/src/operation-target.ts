import type { OperationInfo } from "@mlmcp/core";
import { moduleUrl } from "./module-url.js";
import type { OperationTarget } from "./protocol.js";

type AnyClass = abstract new (...args: never[]) => unknown;

/**
 * Names a decorated method for a worker.
 *
 * @param self what the method was called on; only its class matters
 * @param module where the class is defined, if the code says so
 * @param operations all operations that are known: they tell where a subclass is defined
 */
export function operationTarget(
  operation: OperationInfo,
  self: unknown,
  module: string | undefined,
  operations: () => readonly OperationInfo[],
): OperationTarget {
  const { id, source, ordinal, owner, kind } = operation;
  const url = moduleUrl(id, module ?? (kind === "function" ? undefined : source?.file));
  const called = calledClass(operation, self);
  const subclass = called && called !== owner ? called : undefined;
  return {
    kind: "operation",
    id,
    module: url,
    file: source?.file,
    ordinal,
    method: String(operation.methodName),
    static: kind === "static",
    className: owner?.name,
    subclass: subclass && { name: subclass.name, module: subclassUrl(id, subclass, operations()) ?? url },
  };
}

function calledClass({ kind, owner }: OperationInfo, self: unknown): AnyClass | undefined {
  const called: unknown = kind === "static" ? self : (self as object | undefined | null)?.constructor;
  // Anything else (a detached method, a stand-in of a test) has nothing to add to the declaring class.
  return owner && typeof called === "function" && called.prototype instanceof owner
    ? (called as AnyClass)
    : undefined;
}

function subclassUrl(
  id: string,
  subclass: AnyClass,
  operations: readonly OperationInfo[],
): string | undefined {
  const own = operations.find(({ owner }) => owner === subclass);
  return own?.source && moduleUrl(id, own.source.file);
}
