import { decoratorContract } from "@mlmcp/core/testing";
import { cachePlugin, cacheEvict, cachePut } from "@mlmcp/plugin-cache";
import { describe, expect, it } from "vitest";

const config = { cache: { store: "memory:" } };

describe.each([
  { decorator: cacheEvict, plugins: [cachePlugin], options: { all: true }, config },
  { decorator: cachePut, plugins: [cachePlugin], options: { key: () => "k" }, config },
])("@$decorator.advice.name keeps the contract of decorators:", (subject) => {
  for (const { title, run } of decoratorContract(subject))
    it(title, () => expect(run()).resolves.toBeUndefined());
});
