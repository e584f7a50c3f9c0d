import { degrade, resiliencePlugin, retry } from "@mlmcp/core";
import { decoratorContract, pluginContract } from "@mlmcp/core/testing";
import { describe, expect, it } from "vitest";

describe("@retry keeps the contract of decorators", () => {
  const subject = {
    decorator: retry,
    plugins: [resiliencePlugin],
    options: { maxRetries: 1, initialDelay: 0 },
  };
  for (const { title, run } of decoratorContract(subject))
    it(title, () => expect(run()).resolves.toBeUndefined());
});

describe("@degrade keeps the contract of decorators", () => {
  const subject = {
    decorator: degrade,
    plugins: [resiliencePlugin],
    options: { breaker: { failureThreshold: 100 } },
  };
  for (const { title, run } of decoratorContract(subject))
    it(title, () => expect(run()).resolves.toBeUndefined());
});

describe("the resilience plugin keeps the contract of plugins", () => {
  for (const { title, run } of pluginContract({ plugin: resiliencePlugin }))
    it(title, () => expect(run()).resolves.toBeUndefined());
});
