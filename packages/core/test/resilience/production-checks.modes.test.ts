import { rateLimit, service } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it } from "vitest";
import { warningsDuring } from "../config/project.js";

@service()
class Mail {
  @rateLimit({ limit: 10 })
  async send(): Promise<void> {}
  @rateLimit({ limit: 10, store: "redis://localhost:6379" })
  async post(): Promise<void> {}
}

describe("a rate limit in production", () => {
  const warned = async (
    processes: number,
    operations: Record<string, { rateLimit: false }> = {},
  ): Promise<string[]> => {
    const seen = await warningsDuring(async () => {
      const config = { system: { environment: "production", processes }, operations };
      const kernel = await createTestKernel({ config });
      kernel.adopt(new Mail());
      await kernel.stop();
    });
    return seen.filter(({ code }) => code === "MLMCP_PRODUCTION").map(({ message }) => message);
  };

  it("warns where several processes count by themselves, and of nothing that they share", async () => {
    const [message, ...others] = await warned(4);
    expect(message).toMatch(
      /^@rateLimit of Mail\.send counts in each process by itself, and system\.processes is 4 /,
    );
    expect(others).toEqual([]);
  });

  it("is silent for one process, and where the limit is off", async () => {
    expect(await warned(1)).toEqual([]);
    expect(await warned(4, { "Mail.send": { rateLimit: false } })).toEqual([]);
  });
});
