import { describeName, type OperationInfo } from "./operation.js";

/** Those whose class is not known yet and that may get this id: it ends with the name of their method. */
export function pendingFor(id: string, pending: readonly OperationInfo[]): OperationInfo[] {
  return pending.filter(({ methodName }) => {
    const name = describeName(methodName);
    return id === name || id.endsWith(`.${name}`);
  });
}

/** When the classes of pending operations are known, a sentence. */
export const classesAreKnown =
  "Under TC39 decorators a class is known after its first `new`; at once with `@service()` on it, " +
  "with `kernel.adopt(TheClass)`, or where a decorator of the method gives it a `name`.";

/** What pending operations stand for, and what makes them known; for the end of a message. */
export function describePending(pending: readonly OperationInfo[]): string {
  const shown = pending.slice(0, 3).map(({ methodName, source }) => {
    const name = describeName(methodName);
    return source ? `${name} (${source.file}:${source.line})` : name;
  });
  const more = pending.length > shown.length ? ` and ${pending.length - shown.length} more` : "";
  const whose = pending.length === 1 ? "whose class is not known yet" : "whose classes are not known yet";
  return `${shown.join(", ")}${more}, ${whose}. ${classesAreKnown}`;
}
