import type { Finding, Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin } from "@mlmcp/plugin-cache";
import { afterAll, describe, expect, it } from "vitest";

class Jobs {
  done = 0;
  @cached()
  async warm(): Promise<void> {
    this.done++;
  }
  @cached()
  async leave(early: boolean): Promise<void> {
    if (early) return;
    this.done++;
    return undefined;
  }
  @cached()
  async count(): Promise<number> {
    return this.done;
  }
  @cached()
  handOn(): Promise<number> {
    return this.count();
  }
  @cached()
  async inner(): Promise<void> {
    await [1].map((value) => {
      return value;
    });
  }
}
// Operations are held weakly: without a reference the class could be collected before its test.
afterAll(() => void Jobs);

async function findings(kernel: Kernel): Promise<readonly Finding[]> {
  const rule = kernel.plugins
    .find(({ name }) => name === cachePlugin.name)
    ?.diagnostics?.find(({ rule: id }) => id === "cache-of-nothing");
  return (await rule?.diagnose(kernel as never)) ?? [];
}

const start = (config: object = {}) =>
  createTestKernel({ plugins: [cachePlugin], config: { cache: { store: "memory:" }, ...config } });

describe("cache-of-nothing", () => {
  it("finds cached methods that never return a value, and no others", async () => {
    await using kernel = await start();
    expect(await findings(kernel)).toEqual(
      ["Jobs.leave", "Jobs.warm"].map((id) => ({
        level: "warning",
        message: `${id} is cached, but it never returns a value: calls within its ttl do nothing at all.`,
        mend: expect.stringContaining("remove @cached"),
      })),
    );
  });

  it("does not find them once they are not cached", async () => {
    await using kernel = await start({
      operations: { "Jobs.warm": { cached: false }, "Jobs.leave": { cached: false } },
    });
    expect(await findings(kernel)).toEqual([]);
  });

  it("tells functions that are wrapped apart, too", async () => {
    await using kernel = await start({ operations: { "Jobs.*": { cached: false } } });
    kernel.wrap(async () => 5, { name: "five", cached: "1m" } as never);
    kernel.wrap(async (n = 1) => [n], { name: "list", cached: "1m" } as never);
    kernel.wrap(async function () {}, { name: "none", cached: "1m" } as never);
    kernel.wrap(
      async () => {
        await Promise.resolve();
      },
      { name: "nothing", cached: "1m" } as never,
    );
    expect((await findings(kernel)).map(({ message }) => message.split(" ")[0])).toEqual(["none", "nothing"]);
  });
});
