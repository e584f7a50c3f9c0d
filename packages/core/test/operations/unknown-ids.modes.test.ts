import { retry, service, type KernelConfig } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterAll, describe, expect, it } from "vitest";
import { warningsDuring } from "../config/project.js";

@service()
class Flights {
  @retry(1)
  async load(): Promise<string> {
    return "flights";
  }
}
// Operations are held weakly: without a reference the class could be collected before its test.
afterAll(() => void Flights);

/** Without a class decorator a standard method decorator learns its class only with the first object. */
class Pending {
  @retry(1)
  async later(): Promise<string> {
    return "later";
  }
}

const warnedOf = async (operations: KernelConfig["operations"], system: KernelConfig["system"] = {}) =>
  (
    await warningsDuring(async () => {
      await using _ = await createTestKernel({ config: { operations, system } });
    })
  ).filter(({ code }) => code === "MLMCP_OPERATION_UNKNOWN");

describe("an exact id in the configuration", () => {
  it("that nothing has is a warning with the nearest id and the source, once", async () => {
    const [warning, ...more] = await warnedOf({ "Flights.laod": { retry: 5 } });
    expect(more).toEqual([]);
    expect(warning?.message).toBe(
      'operations."Flights.laod" (createKernel({ config })): no operation known at the start has this id. ' +
        'For one that is made later, by `kernel.wrap` or a late import, write a glob. Did you mean "Flights.load"?',
    );
    expect(await warnedOf({ "Flights.laod": { retry: 5 } })).toEqual([]);
  });

  it("that names advice which its operation lacks is a warning", async () => {
    const [warning, ...more] = await warnedOf({ "Flights.load": { retry: 5, degrade: false } });
    expect(more).toEqual([]);
    expect(warning?.message).toContain(
      'operations."Flights.load".degrade (createKernel({ config })): tunes nothing: Flights.load has no @degrade (it has @retry)',
    );
  });

  it("that is known is none, nor is a glob", async () => {
    expect(
      await warnedOf({ "Flights.load": { retry: 5, order: ["retry"] }, "Trains.*": { retry: 1 } }),
    ).toEqual([]);
  });

  it("that may belong to a class that is not known yet is none", async () => {
    expect(await warnedOf({ "Pending.later": { retry: 5 } })).toEqual([]);
    void new Pending();
    expect(await warnedOf({ "Pending.later": { retry: 6 } })).toEqual([]);
  });

  it("of a function that is wrapped right after the start is none", async () => {
    const warnings = await warningsDuring(async () => {
      await using kernel = await createTestKernel({ config: { operations: { quotes: { retry: 5 } } } });
      kernel.wrap(async () => 1, { name: "quotes", retry: 1 });
    });
    expect(warnings).toEqual([]);
  });

  it("is an error under system.strict, with all that there are", async () => {
    const operations = { "Flights.lod": { retry: 5 }, "Flights.load": { degrade: false } };
    await expect(
      createTestKernel({ config: { operations, system: { strict: true } } }),
    ).rejects.toMatchObject({
      code: "MLMCP_OPERATION_UNKNOWN",
      message: expect.stringMatching(
        /in 2 places:[^]*Flights\.lod[^]*Did you mean "Flights\.load"[^]*has no @degrade/,
      ),
      suggestions: [expect.stringContaining('"Flights.load"')],
    });
  });

  it("keeps a strict kernel from a reload to it", async () => {
    const env: NodeJS.ProcessEnv = {};
    const config = {
      system: { strict: true },
      profiles: { wrong: { operations: { "Flights.oad": { retry: 9 } } } },
    };
    await using kernel = await createTestKernel({ config, env });
    env["MLMCP_SYSTEM_ENVIRONMENT"] = "wrong";
    await expect(kernel.reload()).rejects.toMatchObject({ code: "MLMCP_OPERATION_UNKNOWN" });
    expect(kernel.config.environment).toBe("development");
  });

  it("is a warning after a reload to it", async () => {
    const env: NodeJS.ProcessEnv = {};
    const config = { profiles: { other: { operations: { "Flights.loda": { retry: 9 } } } } };
    const warnings = await warningsDuring(async () => {
      await using kernel = await createTestKernel({ config, env });
      env["MLMCP_SYSTEM_ENVIRONMENT"] = "other";
      await kernel.reload();
    });
    expect(warnings).toEqual([
      { code: "MLMCP_OPERATION_UNKNOWN", message: expect.stringContaining("Flights.loda") },
    ]);
  });
});
