import { RateLimitError } from "@mlmcp/core";
import { describe, expect, it } from "vitest";
import { retryAfterOf } from "../../../src/resilience/retry/retry-after.js";

const now = Date.parse("2026-01-01T00:00:00Z");
const inFiveSeconds = new Date(now + 5000).toUTCString();

describe("what an error asks to wait", () => {
  it.each<[string, unknown, number | undefined]>([
    ["retryAfterMs", { retryAfterMs: 1500 }, 1500],
    [
      "retryAfterMs in the context of a framework's error",
      new RateLimitError("later", { context: { retryAfterMs: 70 } }),
      70,
    ],
    ["retryAfter in seconds", { retryAfter: 2 }, 2000],
    ["retryAfter in seconds, as a text", { retryAfter: "0.5" }, 500],
    ["retryAfter as an HTTP date", { retryAfter: inFiveSeconds }, 5000],
    ["retryAfter as a Date", { retryAfter: new Date(now + 5000) }, 5000],
    ["a plain object of headers", { headers: { "retry-after": "3" } }, 3000],
    ["headers in capitals", { headers: { "Retry-After": "3" } }, 3000],
    ["a header that came twice", { headers: { "retry-after": ["3", "4"] } }, 3000],
    ["Headers", { headers: new Headers({ "Retry-After": inFiveSeconds }) }, 5000],
    ["a Map", { headers: new Map([["retry-after", "3"]]) }, 3000],
    ["a response's headers", { response: { headers: new Headers({ "retry-after": "3" }) } }, 3000],
    ["an AWS client's response", { $response: { headers: { "retry-after": "3" } } }, 3000],
    ["milliseconds in a header", { headers: { "retry-after-ms": "250", "retry-after": "9" } }, 250],
    ["a cause", new Error("x", { cause: { retryAfter: 1 } }), 1000],
    ["a date in the past: now", { retryAfter: new Date(now - 5000).toUTCString() }, 0],
    ["a Response", new Response(null, { headers: { "retry-after": "4" } }), 4000],
    ["nothing", new Error("x"), undefined],
    ["a text that is neither", { retryAfter: "soon" }, undefined],
    ["a negative number", { retryAfter: -1 }, undefined],
    ["a negative number as a text", { headers: { "retry-after": "-1" } }, undefined],
    ["no number", { retryAfter: NaN }, undefined],
    ["an invalid Date", { retryAfter: new Date("x") }, undefined],
    ["an empty header", { headers: { "retry-after": "" } }, undefined],
    [
      "headers that cannot be read",
      { headers: { get: () => (null as unknown as { x: unknown }).x } },
      undefined,
    ],
    ["undefined", undefined, undefined],
  ])("%s", (_, error, expected) => expect(retryAfterOf(error, now)).toBe(expected));
});
