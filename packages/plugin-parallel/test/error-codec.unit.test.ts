import {
  CircuitOpenError,
  ConfigurationError,
  isMlmcpError,
  ProcessingError,
  RateLimitError,
  type MlmcpErrorOptions,
} from "@mlmcp/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeError, encodeError } from "../src/error-codec.js";

/** There and back, over the clone that every message goes through. */
const sent = (thrown: unknown): unknown => decodeError(structuredClone(encodeError(thrown)));

const data = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
});
const natives = [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError] as const;

describe("the error codec", () => {
  it("brings back native errors with their class, message, stack, code, cause and fields", () => {
    const fieldName = fc
      .string({ minLength: 1 })
      .filter((name) => !(name in Error.prototype) && !["stack", "cause", "errors"].includes(name));
    fc.assert(
      fc.property(
        fc.constantFrom(...natives),
        fc.string(),
        fc.dictionary(fieldName, data),
        data,
        (type, message, fields, cause) => {
          const error = Object.assign(new type(message, { cause }), fields);
          const back = sent(error) as Error & Record<string, unknown>;
          expect(back).toBeInstanceOf(type);
          expect([back.name, back.message, back.stack]).toEqual([error.name, message, error.stack]);
          expect(Object.entries(back)).toEqual(Object.entries(error));
          expect(back.cause).toEqual(cause);
        },
      ),
    );
  });

  it("brings back whatever else was thrown", () => {
    fc.assert(
      fc.property(data, (thrown) => {
        expect(sent(thrown)).toEqual(structuredClone(thrown));
      }),
    );
  });

  it("brings back errors of the framework in their class, with all that they were given", () => {
    const options: MlmcpErrorOptions = {
      code: "MLMCP_SPECIAL",
      cause: new TypeError("inner"),
      context: { rows: [1] },
      retryable: true,
      suggestions: ["first"],
    };
    for (const type of [CircuitOpenError, ConfigurationError, ProcessingError, RateLimitError]) {
      const error = Object.assign(new type("outer", options), { extra: 1 });
      const back = sent(error) as ConfigurationError & { extra: number };
      expect(back).toBeInstanceOf(type);
      expect(isMlmcpError(back)).toBe(true);
      expect(back).toMatchObject({ ...options, cause: { name: "TypeError", message: "inner" }, extra: 1 });
      expect(back.stack).toBe(error.stack);
      expect(back.toPublicJSON()).toEqual(error.toPublicJSON());
    }
  });

  it("keeps the name of custom classes, whose nearest native class they become", () => {
    class QuotaError extends RangeError {
      readonly limit = 3;
    }
    QuotaError.prototype.name = "QuotaError";
    const back = sent(new QuotaError("over"));
    expect(back).toBeInstanceOf(RangeError);
    expect(back).toMatchObject({ name: "QuotaError", message: "over", limit: 3 });
    expect(Object.keys(back as object)).toEqual(["limit"]);
  });

  it("is not misled by a class that is named as a native one", () => {
    const impostor = { TypeError: class TypeError extends Error {} }.TypeError;
    expect(sent(new impostor("x"))).not.toBeInstanceOf(TypeError);
  });

  it("brings back aggregates, aborts and errors in fields", () => {
    const aggregate = sent(new AggregateError([new TypeError("a"), "b"], "both")) as AggregateError;
    expect(aggregate).toBeInstanceOf(AggregateError);
    expect(aggregate.errors[0]).toBeInstanceOf(TypeError);
    expect(aggregate.errors[1]).toBe("b");
    const abort = sent(new DOMException("stopped", "AbortError"));
    expect(abort).toBeInstanceOf(DOMException);
    expect(abort).toMatchObject({ name: "AbortError", message: "stopped", code: 20 });
    const nested = sent(Object.assign(new Error("outer"), { failures: [new RangeError("in a field")] }));
    expect((nested as { failures: Error[] }).failures[0]).toBeInstanceOf(RangeError);
  });

  it("never fails: not for circles, functions or getters that throw", () => {
    const error = new Error("circle") as Error & Record<string, unknown>;
    error.cause = error;
    error["self"] = error;
    error["run"] = () => 1;
    Object.defineProperty(error, "broken", {
      enumerable: true,
      get() {
        throw new Error("no");
      },
    });
    expect(sent(error)).toMatchObject({
      message: "circle",
      cause: "[Circular]",
      self: "[Circular]",
      run: expect.stringContaining("Function"),
      broken: "[broken cannot be read: Error: no]",
    });
    expect(sent(() => 1)).toMatch(/Function/);
    expect(sent(Symbol("s"))).toBe("Symbol(s)");
  });
});
