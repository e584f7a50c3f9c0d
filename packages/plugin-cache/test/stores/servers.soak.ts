import { expect, it } from "vitest";
import { hasPostgres, PostgresServer } from "../support/postgres-server.js";
import { hasRedis, RedisServer } from "../support/redis-server.js";
import { useSharedStoreTrials } from "./shared-store-trials.js";

const { load, stampede } = useSharedStoreTrials();

it.skipIf(!hasRedis())(
  "a Redis serves 8 processes for 60 seconds",
  async () => {
    await using server = await RedisServer.start();
    const summary = await load(server.url, { processes: 8, ms: 60_000 });
    console.log(summary);
    expect(summary.getP99).toBeLessThan(50);
  },
  600_000,
);

it.skipIf(!hasPostgres)(
  "a Postgres serves 8 processes for 60 seconds",
  async () => {
    await using server = await PostgresServer.start();
    const summary = await load(server.url, { processes: 8, ms: 60_000 });
    console.log(summary);
    expect(summary.getP99).toBeLessThan(100);
  },
  600_000,
);

it.skipIf(!hasRedis())(
  "8 processes make 300 values once each in a stampede of 8,000 callers a value",
  async () => {
    await using server = await RedisServer.start();
    expect(await stampede(server.url, { processes: 8, keys: 300, callers: 1_000 })).toBe(300);
  },
  600_000,
);
