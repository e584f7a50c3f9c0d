import { service } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cacheEvict, cachePlugin } from "@mlmcp/plugin-cache";
import { afterAll, expect, it } from "vitest";
import { warningsDuring } from "../../../core/test/config/project.js";

@service()
class Prices {
  @cached()
  async find(id: number): Promise<number> {
    return id;
  }
  @cacheEvict({ operation: "fnid" })
  async save(): Promise<void> {}
}
// Operations are held weakly: without a reference the class could be collected before its test.
afterAll(() => void Prices);

it("a misspelt eviction is a warning when the kernel has started, once in the process", async () => {
  const started = () =>
    warningsDuring(async () => {
      await using _ = await createTestKernel({
        plugins: [cachePlugin],
        config: { cache: { store: "memory:" } },
      });
      await new Promise((resolve) => setImmediate(resolve));
    });
  expect(await started()).toEqual([
    {
      code: "MLMCP_CACHE_OPERATION",
      message: '@cacheEvict on Prices.save will fail: There is no operation "fnid". Did you mean "find"?',
    },
  ]);
  expect(await started()).toEqual([]);
});
