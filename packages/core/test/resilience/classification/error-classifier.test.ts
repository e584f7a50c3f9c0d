import {
  classifyError,
  ConfigurationError,
  createKernel,
  ErrorClassifier,
  ErrorHandler,
  retry,
  type ErrorRule,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it, vi } from "vitest";

class Declined extends Error {}
class NotAnError {}

const coded = (code: unknown, fields: object = {}): Error =>
  Object.assign(new Error("failed"), { code, ...fields });

describe("ErrorClassifier", () => {
  it("without rules says what classifyError says", () => {
    const errors = [coded("EPIPE"), coded("ENOENT"), new Error("?"), undefined];
    const classifier = new ErrorClassifier();
    expect(errors.map((error) => classifier.classify(error))).toEqual(errors.map(classifyError));
  });

  it.each([
    ["an error class", Declined, new Declined("no"), new Error("no")],
    ["a class of anything else", NotAnError, new NotAnError(), {}],
    ["a code", "QUOTA", coded("QUOTA"), coded("OTHER")],
    ["a code of a cause", "QUOTA", new Error("x", { cause: coded("QUOTA") }), new Error("x")],
    [
      "the name of a class above",
      "Declined",
      new (class Twice extends Declined {})("no"),
      new Error("Declined"),
    ],
    [
      "a name",
      "PaymentError",
      Object.assign(new Error("x"), { name: "PaymentError" }),
      new Error("PaymentError"),
    ],
    ["an HTTP status", 409, coded("x", { response: { status: 409 } }), coded("x", { status: 404 })],
    ["a number as code", 11000, coded(11000), coded("11000")],
    ["a SQLSTATE", "23505", coded("", { sqlState: "23505" }), coded("", { sqlState: "23000" })],
    ["SQLite's code, extended or not", "SQLITE_BUSY", coded("SQLITE_BUSY_SNAPSHOT"), coded("SQLITE_LOCKED")],
    ["a class of errors", "transient", coded("EPIPE"), coded("ENOENT")],
    ["a predicate", (error: Error) => error.message === "no", new Error("no"), new Error("yes")],
    ["one of several", ["A", Declined], new Declined("no"), coded("B")],
  ] as const)("matches by %s", (_, match, meant, other) => {
    const classifier = new ErrorClassifier();
    classifier.add({ match: match as never, class: "validation" });
    expect(classifier.classify(meant)).toBe("validation");
    expect(classifier.classify(other)).not.toBe("validation");
  });

  it("lets the rule that was added last speak first, and forgets one that is taken away", () => {
    const classifier = new ErrorClassifier();
    const error = coded("ENOENT");
    classifier.add({ match: "ENOENT", class: "transient" });
    const remove = classifier.add({ match: "ENOENT", class: "resource" });
    expect(classifier.classify(error)).toBe("resource");
    remove();
    expect(classifier.classify(error)).toBe("transient");
  });

  it.each<[string, unknown, RegExp]>([
    ["is none", null, /is null/],
    ["matches nothing", { match: [], class: "permanent" }, /`match: \[\]`/],
    ["matches by an object", { match: { code: "X" }, class: "permanent" }, /`match: \{ code: 'X' \}`/],
    ["has no class", { match: "X" }, /`class: undefined`/],
    ["has a class that is none", { match: "X", class: "Permanent" }, /`class: 'Permanent'`/],
    ["suggests no list", { match: "X", class: "permanent", suggestions: "Wait." }, /list of texts/],
    ["suggests no texts", { match: "X", class: "permanent", suggestions: [5] }, /list of texts/],
  ])("refuses a rule that %s, which would take the place of an error later", (_, rule, problem) => {
    const classifier = new ErrorClassifier();
    expect(() => classifier.add(rule as ErrorRule)).toThrow(ConfigurationError);
    expect(() => classifier.add(rule as ErrorRule)).toThrow(problem);
  });

  it("passes over a rule that fails, and warns once", () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const classifier = new ErrorClassifier();
    let asked = 0;
    const isQuota = (): boolean => {
      throw new Error(`no ${(asked += 1)}`);
    };
    classifier.add({ match: [isQuota, Declined, "QUOTA", 429], class: "permanent" });
    classifier.add({ match: (async () => true) as never, class: "validation" });
    expect(classifier.classify(coded("EPIPE"))).toBe("transient");
    expect(classifier.classify(coded("EPIPE"))).toBe("transient");
    expect(asked).toBe(2);
    expect(warn.mock.calls).toEqual([
      [
        "A rule for errors (match: a function) failed: TypeError: A condition for errors answered with a promise. Make it answer at once.",
        { code: "MLMCP_ERROR_RULE" },
      ],
      [
        "A rule for errors (match: isQuota, Declined, QUOTA, 429) failed: Error: no 1",
        { code: "MLMCP_ERROR_RULE" },
      ],
    ]);
    warn.mockRestore();
  });

  it("is one for each kernel, and decides what @retry tries again", async () => {
    class Shop {
      calls = 0;
      @retry({ initialDelay: 0, maxRetries: 2 })
      async pay(): Promise<never> {
        this.calls += 1;
        throw new Declined("no");
      }
    }
    await using kernel = await createTestKernel();
    await using other = await createKernel({ configFile: false, env: {} });
    kernel
      .resolve(ErrorClassifier)
      .add({ match: Declined, class: "permanent", suggestions: ["Use another card."] });
    const [here, there] = [kernel.adopt(new Shop()), other.adopt(new Shop())];
    await Promise.allSettled([here.pay(), there.pay()]);
    expect([here.calls, there.calls]).toEqual([1, 3]);
    expect(kernel.resolve(ErrorHandler).getRecoverySuggestions(new Declined("no"))).toEqual([
      "Use another card.",
    ]);
  });
});
