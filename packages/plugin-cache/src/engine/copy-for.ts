import type { Owner } from "./plan.js";
import type { Entry } from "../values/entry.js";
import { copyOf } from "../values/snapshot.js";

/** Not found. */
export const absent: unique symbol = Symbol("absent");

/** What one taker gets of what is kept; {@link absent} where it cannot be copied, which is told. */
export function copyFor({ observer }: Owner, { snapshot }: Pick<Entry, "snapshot">): unknown {
  try {
    return copyOf(snapshot);
  } catch (error) {
    // It has more levels than the stack takes, or what is left of it, which may be little here.
    observer.failed("copy", error);
    return absent;
  }
}
