import {
  bulkhead,
  chaos,
  degrade,
  handled,
  hedge,
  rateLimit,
  resiliencePlugin,
  retry,
  timeout,
} from "@mlmcp/core";
import { decoratorContract, pluginContract, type DecoratorSubject } from "@mlmcp/core/testing";
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

describe.each<DecoratorSubject>([
  { decorator: timeout, plugins: [resiliencePlugin], options: { attempt: "1m", deadline: "1m" } },
  { decorator: bulkhead, plugins: [resiliencePlugin], options: { maxConcurrent: 2, queue: 100 } },
  { decorator: rateLimit, plugins: [resiliencePlugin], options: { limit: 1_000 } },
  { decorator: hedge, plugins: [resiliencePlugin], options: { after: "1m", idempotent: true } },
  { decorator: handled, plugins: [resiliencePlugin], options: { context: "import" } },
  { decorator: chaos, plugins: [resiliencePlugin], options: 0, config: { system: { chaos: true } } },
])("@$decorator.advice.name keeps the contract of decorators", (subject) => {
  for (const { title, run } of decoratorContract(subject))
    it(title, () => expect(run()).resolves.toBeUndefined());
});

describe("the resilience plugin keeps the contract of plugins", () => {
  for (const { title, run } of pluginContract({ plugin: resiliencePlugin }))
    it(title, () => expect(run()).resolves.toBeUndefined());
});
