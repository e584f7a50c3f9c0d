import { describe, expect, it } from "vitest";
import {
  isCancellation,
  isProgrammingError,
  isRejection,
} from "../../../src/resilience/classification/classify.js";

const unreadable = new Error("hidden");
Object.defineProperty(unreadable, "name", {
  get() {
    throw new TypeError("not for you");
  },
});
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

describe("what was thrown and cannot be read", () => {
  it.each([
    ["an error whose name throws", unreadable],
    ["a revoked proxy", revoked],
  ])("is an error like any other: %s", (_, error) => {
    expect(isProgrammingError(error)).toBe(false);
    expect(isRejection(error)).toBe(false);
    expect(isCancellation(error, false)).toBe(false);
  });
});
