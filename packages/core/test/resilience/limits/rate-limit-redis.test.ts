import {
  onEvent,
  rateLimit,
  RateLimitError,
  RateLimiters,
  type EventName,
  type Kernel,
  type KernelConfig,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { Redis } from "ioredis";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { hasRedis, RedisServer } from "../../support/redis-server.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { written } from "../../support/written.js";

class Api {
  calls = 0;

  @rateLimit({ limit: 2, interval: "1h" })
  async call(): Promise<number> {
    return ++this.calls;
  }

  @rateLimit({ limit: 1, interval: "1h", key: (tenant: string) => tenant, sharedAs: "exports" })
  async export(_tenant: string): Promise<number> {
    return ++this.calls;
  }

  @rateLimit({ limit: 1, interval: "1h" })
  async spelled(): Promise<number> {
    return ++this.calls;
  }

  @rateLimit({ limit: 1, interval: "1s", wait: "30s" })
  async patient(): Promise<number> {
    return ++this.calls;
  }
}

/** Sees who else is connected to a Redis. */
class Observer implements AsyncDisposable {
  readonly #client: Redis;

  constructor(url: string) {
    this.#client = new Redis(url);
  }

  async others(): Promise<number> {
    return (
      String(await this.#client.client("LIST"))
        .trimEnd()
        .split("\n").length - 1
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.quit();
  }
}

const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.skipIf(!hasRedis)("a rate limit in a Redis", () => {
  let redis: RedisServer;
  const kernels: Kernel[] = [];

  /** One process of several, as far as the Redis can tell. */
  async function start(): Promise<Api> {
    const config = { operations: { "Api.*": { rateLimit: { store: redis.url } } } };
    const kernel = await createTestKernel({ config });
    kernels.push(kernel);
    return kernel.adopt(new Api());
  }

  function heard(name: EventName): unknown[] {
    const events: unknown[] = [];
    ends.push(onEvent(name, (event) => void events.push(event)));
    return events;
  }
  const ends: Array<() => void> = [];

  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  beforeAll(async () => {
    folder = await temporaryFolder();
    redis = await RedisServer.start();
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) end();
    await Promise.all(kernels.splice(0).map((kernel) => kernel.stop()));
  });
  afterAll(async () => {
    await folder?.remove();
    await redis?.[Symbol.asyncDispose]();
  });

  it("holds for several processes together", async () => {
    const [one, other] = [await start(), await start()];
    expect([await one.call(), await other.call()]).toEqual([1, 1]);
    for (const api of [one, other]) {
      const error = (await errorOf(api.call())) as RateLimitError;
      expect(error).toBeInstanceOf(RateLimitError);
      expect(error.context["retryAfterMs"]).toBeGreaterThan(0);
      expect(error.context["retryAfterMs"]).toBeLessThanOrEqual(3_600_000);
    }
    expect([one.calls, other.calls]).toEqual([1, 1]);
  });

  it("does not tell how many calls could begin, which only the Redis knows", async () => {
    const api = await start();
    await api.patient();
    expect(kernels[0]!.resolve(RateLimiters).list()).toEqual([
      { name: "Api.patient", operations: ["Api.patient"], limit: 1, interval: 1_000, keys: 0, waiting: 0 },
    ]);
  });

  it("is the same one at the address of a Valkey, which speaks the same protocol", async () => {
    const valkey = redis.url.replace("redis:", "valkey:") as `valkey://${string}`;
    const config = { operations: { "Api.spelled": { rateLimit: { store: valkey } } } };
    await using kernel = await createTestKernel({ config });
    const failures = heard("rateLimit:storeFailed");
    const [one, other] = [kernel.adopt(new Api()), await start()];
    await one.spelled();
    expect(await errorOf(other.spelled())).toBeInstanceOf(RateLimitError);
    expect(failures).toEqual([]);
  });

  it("counts each key by itself, under the name that is shared", async () => {
    const [one, other] = [await start(), await start()];
    await one.export("a");
    expect(await errorOf(other.export("a"))).toMatchObject({ context: { key: "a", sharedAs: "exports" } });
    expect(await other.export("b")).toBe(1);
  });

  it("is not shared by two names whose keys make up for where they differ", async () => {
    const config = { operations: { "*": { rateLimit: { store: redis.url } } } };
    await using kernel = await createTestKernel({ config });
    const limit = { limit: 1, interval: "1h", key: (key: string) => key } as const;
    const runs = ["team", "team:a", "team%3Aa"].map((sharedAs) =>
      kernel.wrap(async (key: string) => key, { name: sharedAs, rateLimit: { ...limit, sharedAs } }),
    );
    expect(await Promise.all([runs[0]!("a:b"), runs[1]!("b"), runs[2]!("b")])).toEqual(["a:b", "b", "b"]);
  });

  it("lets calls wait for their turn", async () => {
    const [one, other] = [await start(), await start()];
    const waits = heard("rateLimit:wait");
    let rounds = 0;
    do {
      await Promise.all([one.patient(), other.patient()]);
      rounds += 1;
      // A busy machine may take longer than the interval for a call.
    } while (waits.length === 0);
    expect([one.calls, other.calls]).toEqual([rounds, rounds]);
  });

  it("leaves each process to itself while the Redis is down", async () => {
    await using doomed = await RedisServer.start();
    const config: KernelConfig = {
      operations: { "Api.call": { rateLimit: { store: doomed.url, interval: "1h" } } },
    };
    await using kernel = await createTestKernel({ config });
    const api = kernel.adopt(new Api());
    const failures = heard("rateLimit:storeFailed");
    await api.call();
    await doomed.kill();
    expect([await api.call(), await api.call()]).toEqual([2, 3]);
    expect(await errorOf(api.call())).toBeInstanceOf(RateLimitError);
    expect(failures).toHaveLength(3);
  });

  it("leaves a Redis that no operation counts in any more", async () => {
    await using former = await RedisServer.start();
    await using latter = await RedisServer.start();
    const configFile = join(folder.path, ".mlmcprc.json");
    const countIn = (call: string, patient: string) =>
      writeFile(
        configFile,
        JSON.stringify({
          operations: {
            "Api.call": { rateLimit: { store: call } },
            "Api.patient": { rateLimit: { store: patient } },
          },
        }),
      );
    await countIn(former.url, former.url);
    await using kernel = await createTestKernel({ configFile });
    const api = kernel.adopt(new Api());
    await using observer = new Observer(former.url);
    await api.call();
    await countIn(latter.url, former.url);
    await kernel.reload();
    await api.call();
    await api.patient();
    expect(await observer.others()).toBe(1);
    await countIn(latter.url, latter.url);
    await kernel.reload();
    await api.patient();
    await vi.waitFor(async () => expect(await observer.others()).toBe(0));
  });

  it("works where the Redis was down from the start", async () => {
    const gone = await RedisServer.start();
    await gone[Symbol.asyncDispose]();
    const config = { operations: { "Api.call": { rateLimit: { store: gone.url } } } };
    await using kernel = await createTestKernel({ config });
    expect(await kernel.adopt(new Api()).call()).toBe(1);
  });
});

it("a rate limit in a Redis is refused where its interval is not of whole seconds", async () => {
  await using kernel = await createTestKernel();
  const run = kernel.wrap(async () => 1, {
    name: "run",
    rateLimit: { interval: 1_500, store: "redis://127.0.0.1" },
  });
  await expect(run()).rejects.toThrow(/interval is 1500 ms, and a Redis counts in whole seconds/);
});

it.each(["http://127.0.0.1", "redis://", "valkey://", "valkeyss://h", ""])(
  "a rate limit has no store at %j",
  (store) => {
    expect(() => written(rateLimit({ store: store as "redis://x" }))).toThrow(
      'store: must match pattern "^(rediss?|valkeys?)://."',
    );
  },
);
