import { definePlugin, ErrorClassifier, ErrorHandler, PluginError, retry, type ErrorRule } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterAll, describe, expect, it } from "vitest";

class QuotaExceeded extends Error {}

const quota: ErrorRule = {
  match: QuotaExceeded,
  class: "permanent",
  suggestions: ["Raise the quota in the billing console."],
};

const coded = (code: string): Error => Object.assign(new Error(code), { code });

class Shop {
  calls = 0;
  @retry({ initialDelay: 0, maxRetries: 2 })
  async pay(): Promise<never> {
    this.calls += 1;
    throw new QuotaExceeded("for today");
  }
}
afterAll(() => void Shop);

describe("the error rules of a plugin", () => {
  it("decide what is tried again and what is suggested", async () => {
    const plugin = definePlugin({ name: "plugin-billing", errorRules: [quota] });
    await using kernel = await createTestKernel({ plugins: [plugin] });
    await using other = await createTestKernel();
    const [here, there] = [kernel.adopt(new Shop()), other.adopt(new Shop())];
    await Promise.allSettled([here.pay(), there.pay()]);
    expect([here.calls, there.calls]).toEqual([1, 3]);
    expect(kernel.resolve(ErrorHandler).getRecoverySuggestions(new QuotaExceeded())).toEqual(
      quota.suggestions,
    );
  });

  it("are there when the plugin itself starts, and go after it has stopped", async () => {
    const seen: string[] = [];
    const note = (when: string, classifier: ErrorClassifier) =>
      seen.push(`${when} ${classifier.classify(new QuotaExceeded())}`);
    const plugin = definePlugin({
      name: "plugin-billing",
      errorRules: [quota],
      start: (kernel) => void note("start", kernel.resolve(ErrorClassifier)),
      stop: (kernel) => void note("stop", kernel.resolve(ErrorClassifier)),
    });
    const kernel = await createTestKernel({ plugins: [plugin] });
    const classifier = kernel.resolve(ErrorClassifier);
    await kernel.stop();
    note("afterwards", classifier);
    expect(seen).toEqual(["start permanent", "stop permanent", "afterwards unknown"]);
  });

  it("go where another plugin fails the start", async () => {
    let classifier: ErrorClassifier | undefined;
    const plugins = [
      definePlugin({
        name: "plugin-billing",
        errorRules: [quota],
        start: (kernel) => void (classifier = kernel.resolve(ErrorClassifier)),
      }),
      definePlugin({
        name: "plugin-broken",
        start() {
          throw new Error("broken");
        },
      }),
    ];
    await expect(createTestKernel({ plugins })).rejects.toThrow(/plugin-broken/);
    expect(classifier!.classify(new QuotaExceeded())).toBe("unknown");
  });

  it("speak in this order: the configuration's, the application's, the later plugin's, the earlier plugin's, the first of a list", async () => {
    const ruled = (...classes: Array<ErrorRule["class"]>): ErrorRule[] =>
      classes.map((errorClass) => ({ match: "E_ODD", class: errorClass }));
    const earlier = definePlugin({ name: "earlier", errorRules: ruled("resource", "permanent") });
    const later = definePlugin({
      name: "later",
      dependsOn: ["earlier"],
      errorRules: ruled("validation", "permanent"),
    });
    await using kernel = await createTestKernel({ plugins: [earlier] });
    const classifier = kernel.resolve(ErrorClassifier);
    const said = [classifier.classify(coded("E_ODD"))];
    await kernel.use(later);
    said.push(classifier.classify(coded("E_ODD")));
    classifier.add({ match: "E_ODD", class: "cancelled" });
    said.push(classifier.classify(coded("E_ODD")));
    await kernel.config.set("errorHandling.rules", [
      { match: ["E_ODD"], class: "transient" },
      { match: "E_ODD", class: "permanent" },
    ]);
    said.push(classifier.classify(coded("E_ODD")));
    expect(said).toEqual(["resource", "validation", "cancelled", "transient"]);
  });

  it("harm nothing where resilience is turned off", async () => {
    const plugin = definePlugin({ name: "plugin-billing", errorRules: [quota] });
    await using kernel = await createTestKernel({
      plugins: [plugin],
      config: { plugins: { resilience: false } },
    });
    expect(kernel).toBeDefined();
  });

  it.each<[string, unknown, RegExp]>([
    ["that is none", "E_ODD", /errorRules\[0\]` that is 'E_ODD'; it must be `\{ match, class \}`/],
    ["without a condition", { class: "permanent" }, /has `match: undefined`; it must be an error class/],
    ["with an empty list", { match: [], class: "permanent" }, /has `match: \[\]`/],
    [
      "with a condition of no kind",
      { match: ["A", null], class: "permanent" },
      /has `match: \[ 'A', null \]`/,
    ],
    [
      "of an unknown class",
      { match: "A", class: "fatal" },
      /has `class: 'fatal'`; it must be one of validation, permanent/,
    ],
    [
      "whose suggestions are no texts",
      { match: "A", class: "permanent", suggestions: "pay" },
      /has `suggestions: 'pay'`; they must be a list of texts/,
    ],
  ])("refuse one %s", (_, rule, message) => {
    const define = () => definePlugin({ name: "plugin-odd", errorRules: [rule as ErrorRule] });
    expect(define).toThrow(message);
    expect(define).toThrow(PluginError);
  });
});

describe("the error rules of the configuration", () => {
  const rules: ErrorRule[] = [
    { match: ["E_ODD", 418], class: "transient", suggestions: ["Wait for tea time."] },
  ];

  it("hold from the start, and change with a reload", async () => {
    await using kernel = await createTestKernel({ config: { errorHandling: { rules } } });
    const classifier = kernel.resolve(ErrorClassifier);
    const errors = [coded("E_ODD"), Object.assign(new Error("teapot"), { status: 418 })];
    expect(errors.map((error) => classifier.classify(error))).toEqual(["transient", "transient"]);
    expect(kernel.resolve(ErrorHandler).getRecoverySuggestions(errors[0])).toEqual(["Wait for tea time."]);
    await kernel.config.set("errorHandling.rules", []);
    expect(errors.map((error) => classifier.classify(error))).toEqual(["unknown", "permanent"]);
  });

  it("are refused as any wrong setting", async () => {
    const config = { errorHandling: { rules: [{ match: "E_ODD", class: "fatal" as "permanent" }] } };
    await expect(createTestKernel({ config })).rejects.toThrow(/errorHandling\.rules\.0\.class/);
  });
});
