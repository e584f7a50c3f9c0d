import { join } from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { Keyv } from "keyv";
import { afterAll, beforeAll, describe } from "vitest";
import { GuardedStore } from "../../src/stores/guard/guarded-store.js";
import { KeyvStore, type AnyAdapter } from "../../src/stores/keyv-store.js";
import { locate } from "../../src/stores/location.js";
import { PostgresStore } from "../../src/stores/postgres/postgres-store.js";
import { RedisStore } from "../../src/stores/redis/redis-store.js";
import { SqliteStore } from "../../src/stores/sqlite/sqlite-store.js";
import { hasPostgres, PostgresServer } from "../support/postgres-server.js";
import { hasRedis, RedisServer, type RedisBinary } from "../support/redis-server.js";
import { temporaryDirectory } from "../temporary.js";
import { MemoryServer } from "./memory-server.js";
import { describeStore } from "./store-contract.js";

const throwError = (error: unknown): void => {
  throw error;
};

function onAdapter(adapter: AnyAdapter): () => Promise<KeyvStore> {
  return async () => new KeyvStore("an adapter", adapter, { onError: throwError });
}

describeStore("a Map", () => ({ connect: onAdapter(new Map<string, unknown>()) }));

describeStore("a Keyv", () => ({ connect: onAdapter(new Keyv({ throwOnErrors: true })) }));

describeStore("@keyv/sqlite's adapter", () => {
  const adapter = new KeyvSqlite(`sqlite://${join(temporaryDirectory(), "keyv.db")}`);
  return { connect: onAdapter(adapter), end: () => adapter.disconnect() };
});

describeStore("the one of the tests", () => {
  const server = new MemoryServer();
  return { connect: async () => server.connect() };
});

describeStore("the one of the tests, guarded", () => {
  const server = new MemoryServer();
  return {
    connect: async () => new GuardedStore(server.connect(), { timeout: 5_000, onError: throwError }),
  };
});

describeStore("SQLite", () => {
  const file = join(temporaryDirectory(), "cache.db");
  return { connect: () => SqliteStore.open(file, { onError: throwError }) };
});

for (const binary of ["redis-server", "valkey-server"] satisfies RedisBinary[]) {
  describe.skipIf(!hasRedis(binary))(binary, () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await RedisServer.start({ binary });
    });
    afterAll(() => server[Symbol.asyncDispose]());
    describeStore(binary, () => ({
      connect: () => RedisStore.open(locate(server.url)!, { onError: throwError }),
      end: () => server.ask("FLUSHALL"),
    }));
  });
}

describe.skipIf(!hasPostgres)("postgres", () => {
  let server: PostgresServer;
  let tests = 0;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  describeStore("Postgres", () => {
    const prefix = `Test.${++tests}`;
    return { connect: () => PostgresStore.open(locate(server.url)!, { prefix, onError: throwError }) };
  });
});
