import { CircuitOpenError } from "../../errors/index.js";
import type { Breaker } from "./breaker.js";

/** What a caller gets whom a breaker turns away. */
export function circuitOpen(
  operation: string,
  breaker: Breaker,
  { name = operation, key }: { name?: string; key?: string },
): CircuitOpenError {
  const { state, lastError, retryAfter } = breaker;
  const shared = name === operation ? "" : `, which it shares as "${name}",`;
  const which = key === undefined ? shared : `${shared} for "${key}"`;
  const probing = state === "halfOpen" ? ", and its probes are under way" : "";
  const next =
    retryAfter === undefined
      ? "No call passes until it is closed by hand."
      : `The next call can pass in ${retryAfter} ms.`;
  const call = [name, ...(key === undefined ? [] : [key])].map((text) => JSON.stringify(text)).join(", ");
  return new CircuitOpenError(
    `${operation} was not called: its breaker${which} ${causeOf(breaker)}${probing}. ${next}`,
    {
      ...(lastError === undefined ? {} : { cause: lastError }),
      context: {
        operation,
        ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
        ...(key === undefined ? {} : { key }),
      },
      suggestions: [
        "Find out why the method fails: the cause is the last error that counted.",
        "Give `@degrade` a fallback that answers meanwhile.",
        `Close it by hand once the cause is mended: kernel.resolve(CircuitBreakers).close(${call}).`,
      ],
    },
  );
}

function causeOf({ opening }: Breaker): string {
  if (!opening) return "is open";
  const { reason, failures, window = { calls: 0, failures: 0, slow: 0 } } = opening;
  switch (reason) {
    case "manual":
      return "was opened by hand";
    case "isolated":
      return "was isolated by hand";
    case "failureRate":
      return `is open after ${window.failures} of ${window.calls} calls failed`;
    case "slowCalls":
      return `is open after ${window.slow} of ${window.calls} calls were slow`;
    case "probeFailed":
      return "is open again after a probe failed";
    case "probeSlow":
      return "is open again after a probe was slow";
    case "restored":
      return "is open since before a restart";
    case "failures":
      return `is open after ${failures} consecutive failure${failures === 1 ? "" : "s"}`;
  }
}
