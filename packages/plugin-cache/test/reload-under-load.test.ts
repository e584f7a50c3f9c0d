import { renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { degrade, onEvent, retry } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin } from "@mlmcp/plugin-cache";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "./temporary.js";

/** How often each method has run. */
const ran = { price: 0, order: 0, forecast: 0 };

class Shop {
  @cached()
  async price(_article: string): Promise<number> {
    return ++ran.price;
  }

  /** Its service refuses a few attempts of each order. */
  @retry({ maxRetries: 1, initialDelay: 0 })
  async order(service: { refuses: number }): Promise<string> {
    ran.order++;
    if (service.refuses-- > 0) throw new Error("busy");
    return "ordered";
  }

  /** Its service is down. */
  @degrade({ fallback: { value: "the usual" }, breaker: { failureThreshold: 1_000_000 } })
  async forecast(): Promise<string> {
    ran.forecast++;
    throw new Error("down");
  }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await nextTurn();
};

describe("one running service, operated by its rc file alone", () => {
  it("changes a TTL, disables a cache, raises retries and opens a breaker under load with no failed call", async () => {
    const file = join(temporaryDirectory(), ".mlmcprc.json");
    // At once: the watch must not meet a file that is half written.
    const write = (config: object): void => {
      writeFileSync(`${file}.new`, JSON.stringify(config));
      renameSync(`${file}.new`, file);
    };
    const base = { cache: { store: "memory:", ttl: "1h" } };
    write(base);
    // What was written just before it is read counts as changed.
    utimesSync(file, 1, 1);
    await using kernel = await createTestKernel({ plugins: [cachePlugin], configFile: file, watch: 10 });
    const shop = kernel.adopt(new Shop());
    let reloads = 0;
    onTestFinished(onEvent("kernel:reloaded", () => void reloads++));
    const operate = async (config: object): Promise<void> => {
      const before = reloads;
      write({ ...base, ...config });
      await until(() => reloads > before);
    };

    let article = "first";
    let refusals = 1;
    let calls = 0;
    const work = new AbortController();
    const failures: unknown[] = [];
    const client = async (): Promise<void> => {
      while (!work.signal.aborted) {
        const answers = await Promise.allSettled([
          shop.price(article),
          shop.order({ refuses: refusals }),
          shop.forecast(),
        ]);
        for (const answer of answers) {
          calls++;
          if (answer.status === "rejected") failures.push(answer.reason);
        }
        await nextTurn();
      }
    };
    const clients = Array.from({ length: 4 }, client);
    /** Lets the load run on for a while, and says how often a method ran in it. */
    const runsOf = async (method: keyof typeof ran): Promise<number> => {
      const [runs, done] = [ran[method], calls];
      await until(() => calls > done + 300);
      return ran[method] - runs;
    };

    expect(await runsOf("price")).toBeLessThanOrEqual(1);

    await operate({ cache: { store: "memory:", ttl: 1 } });
    article = "second";
    expect(await runsOf("price")).toBeGreaterThan(1);

    await operate({ operations: { "Shop.price": { cached: false } } });
    article = "first";
    // All of them: a hundred of three hundred calls ask for the price.
    expect(await runsOf("price")).toBeGreaterThan(90);

    await operate({ operations: { "Shop.order": { retry: 4 } } });
    refusals = 4;
    expect(await runsOf("order")).toBeGreaterThan(450);

    expect(await runsOf("forecast")).toBeGreaterThan(90);
    await operate({
      operations: { "Shop.order": { retry: 4 }, "Shop.*": { degrade: { breaker: { failureThreshold: 1 } } } },
    });
    await runsOf("forecast");
    expect(await runsOf("forecast")).toBe(0);
    expect(await kernel.outcome(() => shop.forecast())).toMatchObject({ value: "the usual", degraded: true });

    work.abort();
    await Promise.all(clients);
    expect([failures, reloads]).toEqual([[], 4]);
  });
});
