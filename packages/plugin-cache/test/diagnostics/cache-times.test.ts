import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin } from "@mlmcp/plugin-cache";
import { afterAll, describe, expect, it } from "vitest";

class Rates {
  @cached({
    name: "Rates.load",
    ttl: "1m",
    grace: "1h",
    refreshAfter: "80%",
    softTimeout: "1s",
    ttlJitter: "10%",
  })
  async load(): Promise<number> {
    return 1;
  }
}
afterAll(() => void Rates);

async function messages(options: object = {}): Promise<string[]> {
  await using kernel = await createTestKernel({
    plugins: [cachePlugin],
    config: { cache: { store: "memory:" }, operations: { "Rates.load": { cached: { ...options } } } },
  });
  const rule = cachePlugin.diagnostics!.find((one) => one.rule === "cache-times")!;
  const findings = await rule.diagnose(kernel as never);
  expect(findings.every(({ level, mend }) => level === "warning" && mend.length > 0)).toBe(true);
  return findings.map(({ message }) => message);
}

describe("cache-times", () => {
  it("finds nothing in times that fit together", async () => {
    expect(await messages()).toEqual([]);
  });

  it.each<[string, object, string]>([
    [
      "a ttl of 0 beside options that need one",
      { ttl: 0 },
      "Rates.load has a ttl of 0, which keeps nothing: grace, refreshAfter, ttlJitter, softTimeout cannot do anything.",
    ],
    [
      "a refresh of what has run out",
      { refreshAfter: "1m" },
      "Rates.load is to be refreshed at an age that no fresh result has: refreshAfter (1m) is no less than the ttl (1m).",
    ],
    [
      "a jitter as long as the ttl",
      { ttlJitter: "2m" },
      "Rates.load shortens its ttl by up to all of it: ttlJitter (2m) is no less than the ttl (1m), and some results are never fresh.",
    ],
    [
      "a wait for longer than stale results live",
      { grace: "500ms" },
      "Rates.load waits longer than any stale result lives: softTimeout (1s) is no less than grace (500).",
    ],
  ])("finds %s", async (_, options, message) => {
    expect(await messages(options)).toEqual([message]);
  });

  it("finds nothing where caching is off", async () => {
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: {
        cache: { store: "memory:" },
        performance: { enableCaching: false },
        operations: { "Rates.load": { cached: { ttl: 0 } } },
      },
    });
    const rule = cachePlugin.diagnostics!.find((one) => one.rule === "cache-times")!;
    expect(await rule.diagnose(kernel as never)).toEqual([]);
  });
});
