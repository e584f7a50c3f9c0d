import { causesOf, read } from "../classification/thrown.js";

/**
 * How long whoever refused a call asks to wait before the next, in milliseconds; `undefined` where
 * nothing is said or what is said makes no sense.
 *
 * Read in this order, of the error and then of its causes: `retryAfterMs` (also in the `context`
 * of a framework's error), `retryAfter` (seconds, an HTTP date or a `Date`), and the headers
 * `retry-after-ms` and `Retry-After` (RFC 9110, 10.2.3) of `headers`, `response.headers` or
 * `$response.headers`, be they a `Headers` or a plain object.
 *
 * @param now milliseconds since the epoch, for dates
 */
export function retryAfterOf(error: unknown, now: number): number | undefined {
  for (const link of causesOf(error)) {
    const found =
      milliseconds(read(link, "retryAfterMs")) ??
      milliseconds(read(link, "context", "retryAfterMs")) ??
      secondsOrDate(read(link, "retryAfter"), now) ??
      fromHeaders(read(link, "headers"), now) ??
      fromHeaders(read(link, "response", "headers"), now) ??
      fromHeaders(read(link, "$response", "headers"), now);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fromHeaders(headers: unknown, now: number): number | undefined {
  return (
    milliseconds(header(headers, "retry-after-ms")) ?? secondsOrDate(header(headers, "retry-after"), now)
  );
}

/** One header of a `Headers`, a `Map` or a plain object, in whatever case it is written there. */
function header(headers: unknown, name: string): unknown {
  if (typeof headers !== "object" || headers === null) return undefined;
  try {
    if (typeof (headers as Headers).get === "function") return (headers as Headers).get(name) ?? undefined;
    const key = Object.keys(headers).find((known) => known.toLowerCase() === name);
    const value: unknown = key === undefined ? undefined : (headers as Record<string, unknown>)[key];
    return Array.isArray(value) ? value[0] : value;
  } catch {
    return undefined;
  }
}

function milliseconds(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number >= 0 ? number : undefined;
}

/** A date in the past means now. */
function secondsOrDate(value: unknown, now: number): number | undefined {
  const seconds = milliseconds(value);
  if (seconds !== undefined) return seconds * 1000;
  // A negative number is no date, though `Date.parse` reads one out of it.
  const isText = typeof value === "string" && /[a-z]/i.test(value);
  const time = value instanceof Date ? value.getTime() : isText ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}
