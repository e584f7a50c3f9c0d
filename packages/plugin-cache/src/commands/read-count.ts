import { ValidationError } from "@mlmcp/core";

/** @throws ValidationError (`MLMCP_CACHE_ARGUMENT`) for what is no whole number above 0 */
export function readCount(option: string, given: unknown, fallback: number): number {
  if (given === undefined) return fallback;
  const count = Number(given);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new ValidationError(`${option} is ${JSON.stringify(given)}; expected a whole number above 0.`, {
    code: "MLMCP_CACHE_ARGUMENT",
  });
}
