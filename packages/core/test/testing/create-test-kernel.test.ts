import { createTestKernel } from "@mlmcp/core/testing";
import { expect, it } from "vitest";

it("reads neither an rc file nor the environment", async () => {
  process.env.MLMCP_SYSTEM_ENVIRONMENT = "production";
  try {
    await using kernel = await createTestKernel();
    expect(kernel.config.environment).toBe("development");
    expect(kernel.config.file).toBeUndefined();
  } finally {
    delete process.env.MLMCP_SYSTEM_ENVIRONMENT;
  }
});

it("takes stand-ins for services", async () => {
  class Database {
    rows() {
      return ["real"];
    }
  }
  await using kernel = await createTestKernel({ services: [[Database, { rows: () => ["fake"] }]] });
  expect(kernel.resolve(Database).rows()).toEqual(["fake"]);
});
