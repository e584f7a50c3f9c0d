import type sqlite3 from "sqlite3";
import { messageOf } from "./errors.js";

export type Binding = typeof sqlite3;

/** The native part of `sqlite3` does not load. The message is one line; `mend` says what to do. */
export class NativeBindingError extends Error {
  readonly code = "MLMCP_CACHE_NATIVE_BINDING";
  readonly mend =
    "Build it for this Node and this machine: `npm rebuild sqlite3`; with pnpm let its build script run " +
    '(`pnpm approve-builds`). Or do without: cache.store: "memory:".';

  constructor(cause: unknown) {
    const [reason] = messageOf(cause).split("\n");
    super(`the native part of sqlite3 does not load: ${reason}`, { cause });
  }
}

/**
 * Loads SQLite's native code, which nothing else in the package does.
 *
 * @throws NativeBindingError
 */
export async function loadBinding(load = () => import("sqlite3")): Promise<Binding> {
  try {
    return (await load()).default;
  } catch (error) {
    throw new NativeBindingError(error);
  }
}
