import type { Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { validated, validatePlugin } from "@mlmcp/plugin-validate";
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from "vitest";

class Orders {
  @validated({ args: [{ type: "integer" }] })
  place(amount: number): number {
    return amount;
  }
}

let warn: MockInstance<typeof process.emitWarning>;
beforeEach(() => void (warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined)));
afterEach(() => vi.restoreAllMocks());

const inProduction = (config: object = {}, system: object = {}): Promise<Kernel> =>
  createTestKernel({
    plugins: [validatePlugin],
    config: { ...config, system: { environment: "production", ...system } },
  });

describe("validation in production", () => {
  it.each([
    [{ plugins: { "@mlmcp/plugin-validate": false } }, "its plugin is turned off"],
    [{ operations: { "Orders.place": { validated: false } } }, "off in createKernel"],
  ])("may not be off: %j", async (config, reason) => {
    const starting = inProduction(config);
    await expect(starting).rejects.toMatchObject({ code: "MLMCP_PRODUCTION_UNSAFE" });
    await expect(starting).rejects.toThrow(`@validated is off for Orders.place (${reason}`);
    await expect(starting).rejects.toThrow(
      "arguments and results reach the method and its callers unchecked",
    );
  });

  it("may be off where that is accepted", async () => {
    const config = { plugins: { "@mlmcp/plugin-validate": false } };
    await using kernel = await inProduction(config, { production: { allow: ["@mlmcp/core/protection"] } });
    expect(kernel.adopt(new Orders()).place("one" as never)).toBe("one");
    expect(warn).toHaveBeenCalledOnce();
  });

  it("is warned of where it only warns", async () => {
    await using kernel = await inProduction({ operations: { "Orders.*": { validated: { mode: "warn" } } } });
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.stringMatching(/^@validated only warns on Orders\.place \(mode "warn"\)/),
      { code: "MLMCP_PRODUCTION", detail: "@mlmcp/plugin-validate/enforced" },
    );
    expect(kernel.adopt(new Orders()).place("one" as never)).toBe("one");
  });

  it("is fine as it is", async () => {
    await using kernel = await inProduction();
    expect(() => kernel.adopt(new Orders()).place("one" as never)).toThrow(/Orders\.place/);
    expect(warn).not.toHaveBeenCalled();
  });
});
