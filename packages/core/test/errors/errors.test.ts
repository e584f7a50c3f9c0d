import * as core from "@mlmcp/core";
import { CircuitOpenError, isMlmcpError, MlmcpError, ValidationError } from "@mlmcp/core";
import { expect, it } from "vitest";

it("carries a code, context, suggestions and a cause that is the same object", () => {
  const cause = new Error("socket closed");
  const error = new CircuitOpenError("Orders.submit is suspended.", {
    cause,
    context: { operation: "Orders.submit", retryAfterMs: 500 },
    suggestions: ["Wait."],
  });
  expect(error).toMatchObject({
    name: "CircuitOpenError",
    code: "MLMCP_CIRCUIT_OPEN",
    retryable: false,
    suggestions: ["Wait."],
  });
  expect(error.cause).toBe(cause);
  expect(error.context.retryAfterMs).toBe(500);
  expect(Object.isFrozen(error.context)).toBe(true);
  expect("cause" in new CircuitOpenError("no cause")).toBe(false);
});

it("tells a stranger no paths, values or causes", () => {
  const secret = "/etc/secret 4111-1111";
  const error = new ValidationError(secret, {
    cause: new Error(secret),
    context: { value: secret },
    suggestions: [secret],
  });
  const told = JSON.stringify(error.toPublicJSON());
  expect(told).not.toContain("secret");
  expect(error.toPublicJSON()).toEqual({
    name: "ValidationError",
    code: "MLMCP_VALIDATION",
    message: "The input is not valid.",
    retryable: false,
  });
});

it("tells a log everything, the cause by name and message", () => {
  const error = new ValidationError("wrong", { cause: new TypeError("not text"), context: { a: 1 } });
  expect(JSON.parse(JSON.stringify(error))).toMatchObject({
    message: "wrong",
    context: { a: 1 },
    cause: { name: "TypeError", message: "not text" },
  });
  expect(new ValidationError("wrong").toJSON()).not.toHaveProperty("cause");
  expect(new ValidationError("wrong", { cause: "text" }).toJSON()).toMatchObject({ cause: "text" });
});

it("is recognised by its brand, also across two copies of the package", () => {
  expect(isMlmcpError(new ValidationError("x"))).toBe(true);
  expect(isMlmcpError({ [Symbol.for("@mlmcp/core/error")]: true })).toBe(true);
  expect([new Error("x"), null, undefined, "text", {}].some(isMlmcpError)).toBe(false);
});

it("has a code, a name and a public sentence of its own for every kind", () => {
  type Kind = new (message: string) => MlmcpError;
  const kinds = Object.values(core as Record<string, unknown>).filter(
    (value): value is Kind => typeof value === "function" && value.prototype instanceof MlmcpError,
  );
  expect(kinds.length).toBeGreaterThanOrEqual(12);
  const made = kinds.map((Kind) => new Kind("message"));
  expect(made.map(({ name }) => name)).toEqual(kinds.map(({ name }) => name));
  expect(new Set(made.map(({ code }) => code)).size).toBe(kinds.length);
  expect(new Set(made.map((error) => error.toPublicJSON().message)).size).toBe(kinds.length);
});
