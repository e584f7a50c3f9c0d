import { describe, expect, it } from "vitest";
import { hasPostgres, PostgresServer } from "../support/postgres-server.js";
import { hasRedis, RedisServer } from "../support/redis-server.js";
import { useSharedStoreTrials } from "./shared-store-trials.js";

const { stampede, load } = useSharedStoreTrials();

describe("8 processes on one Redis", () => {
  it.skipIf(!hasRedis())("make each value once, however many callers ask for it at once", async () => {
    await using server = await RedisServer.start();
    expect(await stampede(server.url, { processes: 8, keys: 20, callers: 25 })).toBe(20);
  });

  it.skipIf(!hasRedis())("lose no acknowledged write and read nothing wrong", async () => {
    await using server = await RedisServer.start();
    const { gets } = await load(server.url, { processes: 8, ms: 3_000 });
    expect(gets).toBeGreaterThan(100);
  });
});

describe("8 processes on one Postgres", () => {
  it.skipIf(!hasPostgres)("make each value once, however many callers ask for it at once", async () => {
    await using server = await PostgresServer.start();
    expect(await stampede(server.url, { processes: 8, keys: 20, callers: 25 })).toBe(20);
  });

  it.skipIf(!hasPostgres)("lose no acknowledged write and read nothing wrong", async () => {
    await using server = await PostgresServer.start();
    const { gets } = await load(server.url, { processes: 8, ms: 3_000 });
    expect(gets).toBeGreaterThan(100);
  });
});
