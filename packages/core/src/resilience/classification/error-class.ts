/**
 * What an error says about trying again:
 *
 * - `transient`: the same call may succeed later, as after a timeout or a refused connection;
 * - `permanent`: it will fail again until somebody changes something;
 * - `resource`: memory, disk, descriptors or the places of a limit are used up;
 * - `validation`: what was passed in is wrong;
 * - `cancelled`: somebody gave the work up.
 */
export type ErrorClass = "transient" | "permanent" | "resource" | "validation" | "cancelled";

/** Every {@link ErrorClass}, the one that leaves the least hope first. */
export const errorClasses: readonly ErrorClass[] = [
  "validation",
  "permanent",
  "cancelled",
  "resource",
  "transient",
];

/** What a classification answers; `unknown` where nothing about the error tells. */
export type Classified = ErrorClass | "unknown";

/** A table from codes, written as one list of words for each class. */
export function classesByCode(lists: Partial<Record<ErrorClass, string>>): ReadonlyMap<string, ErrorClass> {
  const table = new Map<string, ErrorClass>();
  for (const [errorClass, codes] of Object.entries(lists)) {
    for (const code of codes.trim().split(/\s+/)) table.set(code, errorClass as ErrorClass);
  }
  return table;
}
