import cluster from "node:cluster";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, describe, expect, it } from "vitest";
import { severalProcesses } from "../../src/kernel/several-processes.js";

/** Whether the test itself runs in a worker of a cluster, as nobody says it does. */
const { isWorker } = cluster;
afterEach(() => void Object.assign(cluster, { isWorker }));

async function told(env: NodeJS.ProcessEnv, system: object = {}): Promise<string | undefined> {
  await using kernel = await createTestKernel({ plugins: [], config: { system } });
  return severalProcesses(kernel.config, env);
}

describe("an application is taken to run in several processes", () => {
  it("where the configuration says so", async () => {
    expect(await told({}, { processes: 4 })).toBe("system.processes is 4 (createKernel({ config }))");
  });

  it.each([
    [{ NODE_APP_INSTANCE: "1" }, "NODE_APP_INSTANCE is 1"],
    [{ WEB_CONCURRENCY: "2" }, "WEB_CONCURRENCY is 2"],
  ])("where the environment shows it: %j", async (env, reason) => {
    expect(await told(env)).toBe(reason);
    expect(await told(env, { processes: 1 })).toBeUndefined();
  });

  it("in a worker of a cluster", async () => {
    Object.assign(cluster, { isWorker: true });
    expect(await told({})).toBe("this process is a worker of a cluster");
  });

  it.each([[{}], [{ NODE_APP_INSTANCE: "0" }], [{ WEB_CONCURRENCY: "1" }], [{ WEB_CONCURRENCY: "many" }]])(
    "but not otherwise: %j",
    async (env) => expect(await told(env)).toBeUndefined(),
  );

  it("and a number that is none is refused", async () => {
    await expect(told({}, { processes: 0 })).rejects.toThrow(/system\.processes/);
  });
});
