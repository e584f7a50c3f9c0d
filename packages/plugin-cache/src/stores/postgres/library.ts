import type pg from "pg";
import { loadOptional } from "../missing-package.js";
import { RefusedError } from "../refused-error.js";

export type Library = typeof pg;

/**
 * Loads `pg`, which only those need who name a Postgres.
 *
 * @throws MissingPackageError
 */
export async function loadLibrary(
  load: () => Promise<{ default: Library }> = () => import("pg"),
): Promise<Library> {
  return (await loadOptional("pg", load)).default;
}

/** The SQLSTATE of an error of the server; `undefined` for errors of the connection. */
function stateOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Tables that a hand has dropped are made again. */
export function isWithoutTables(error: unknown): boolean {
  return stateOf(error) === "42P01";
}

/** Somebody else has changed meanwhile what was read or changed; nothing was done. */
export function isInTheWay(error: unknown): boolean {
  return stateOf(error) === "40001";
}

/**
 * Classes and states that say that the server cannot serve now, and may later: its connection,
 * resources, locks, shutdown, a stand-by that takes no writes.
 */
const passing = /^(08|53|57|40|55P03|25006|58|XX)/;

/** What a statement failed with, as guards know it. */
export function toStoreError(error: unknown, name: string): unknown {
  const state = stateOf(error);
  if (state === undefined || passing.test(state) || isWithoutTables(error)) return error;
  return new RefusedError(`${name} refuses: ${(error as Error).message}`, { cause: error });
}
