import { setTimeout as pause } from "node:timers/promises";
import { onEvent, type Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi, type MockInstance } from "vitest";
import { hasPostgres, PostgresServer } from "../support/postgres-server.js";
import { hasRedis, RedisServer } from "../support/redis-server.js";
import { TcpProxy } from "../support/tcp-proxy.js";

let warned: MockInstance<typeof process.emitWarning>;
beforeEach(() => {
  warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
});

afterEach(() => void vi.restoreAllMocks());

const warnings = (): string[] =>
  warned.mock.calls.flatMap(([message, options]) =>
    (options as { code?: string }).code === "MLMCP_CACHE_CHANGES" ? [String(message)] : [],
  );

async function start(store: string): Promise<Kernel> {
  const kernel = await createTestKernel({ plugins: [cachePlugin], config: { cache: { store } } });
  onTestFinished(() => kernel.stop());
  return kernel;
}

/** A server, the URL of a user who can be kept from listening, and how. */
interface Listening extends AsyncDisposable {
  readonly url: string;
  readonly userUrl: string;
  deafen(): void;
  heal(): void;
}

async function redis(): Promise<Listening> {
  const server = await RedisServer.start();
  const allow = (...rules: string[]) => server.ask("ACL", "SETUSER", "app", ...rules);
  allow("on", ">secret", "~*", "+@all", "allchannels");
  return {
    url: server.url,
    userUrl: server.url.replace("redis://", "redis://app:secret@"),
    deafen() {
      allow("resetchannels");
      server.ask("CLIENT", "KILL", "TYPE", "pubsub", "USER", "app");
    },
    heal: () => void allow("allchannels"),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function postgres(): Promise<Listening> {
  const server = await PostgresServer.start();
  server.ask(`CREATE ROLE app LOGIN; GRANT ALL ON SCHEMA public TO PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC`);
  const listens = `usename = 'app' AND query LIKE 'LISTEN%'`;
  return {
    url: server.url,
    userUrl: server.url.replace("cache:", "app:"),
    deafen() {
      // Connections that there are stay.
      server.ask("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC");
      server.ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${listens}`);
    },
    heal: () => void server.ask("GRANT CONNECT ON DATABASE postgres TO PUBLIC"),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

describe.each([
  ["Redis", hasRedis(), redis],
  ["Postgres", hasPostgres, postgres],
] as const)("a process that %s no longer lets listen, and answers", (_, has, boot) => {
  it.skipIf(!has)(
    "takes over what others change within seconds, and at once when it listens again",
    async () => {
      await using server = await boot();
      const [near, far] = [await start(server.url), await start(server.userUrl)];
      const [others, own] = [near.resolve(CacheManager), far.resolve(CacheManager)];
      const errors: string[] = [];
      onTestFinished(
        onEvent("cache:error", ({ action, error }) => {
          if (action === "changes") errors.push(String(error));
        }),
      );
      const keys = ["tagged", "set", "deleted", "stays"];
      const read = async (): Promise<unknown[]> => {
        const found = await own.getMany(keys);
        return keys.map((key) => found.get(key));
      };
      for (const key of keys) await others.set(key, "old", key === "tagged" ? { tags: ["t"] } : {});
      await vi.waitFor(async () => expect(await read()).toEqual(["old", "old", "old", "old"]));
      server.deafen();
      // Until it is known that the connection is lost, nothing else can be.
      await pause(500);
      await others.invalidateTags(["t"]);
      await others.set("set", "new");
      await others.delete("deleted");
      const expected = [undefined, "new", undefined, "old"];
      await vi.waitFor(async () => expect(await read()).toEqual(expected), {
        interval: 100,
        timeout: 10_000,
      });
      expect((await far.health()).status).toBe("up");
      await vi.waitFor(() => expect(warnings()).toHaveLength(1), { interval: 100, timeout: 30_000 });
      expect(warnings()[0]).toContain("does not tell this process what others change (");
      expect(errors).toHaveLength(1);
      server.heal();
      // Each second is another one: what was read before it listens does not pass for what was read after.
      await vi.waitFor(
        async () => {
          const text = `${Math.random()}`;
          await others.set("set", text);
          await pause(20);
          expect(await own.get("set")).toBe(text);
          const hits = async () => (await own.stats()).hitsByTier.memory;
          const before = await hits();
          await pause(1_100);
          await own.get("stays");
          await pause(1_100);
          await own.get("stays");
          expect(await hits()).toBeGreaterThan(before);
        },
        { timeout: 30_000 },
      );
      expect(warnings()).toHaveLength(1);
      await Promise.all([near.stop(), far.stop()]);
    },
  );
});

it.skipIf(!hasRedis())("a process that Redis has never let listen uses it all the same", async () => {
  await using server = await redis();
  server.deafen();
  const [near, far] = [await start(server.url), await start(server.userUrl)];
  const [others, own] = [near.resolve(CacheManager), far.resolve(CacheManager)];
  await others.set("k", "old");
  await vi.waitFor(async () => expect(await own.get("k")).toBe("old"));
  await others.set("k", "new");
  await vi.waitFor(async () => expect(await own.get("k")).toBe("new"), { timeout: 10_000 });
  expect((await far.health()).status).toBe("up");
  await vi.waitFor(() => expect(warnings()).toHaveLength(1), { timeout: 30_000 });
  expect(warnings()[0]).toContain("NOPERM");
  await Promise.all([near.stop(), far.stop()]);
});

/** Drops what a Postgres says to those who listen, as a pooler of transactions does. */
function withoutNotifications(): (data: Buffer) => Buffer {
  let rest = Buffer.alloc(0);
  return (data) => {
    rest = Buffer.concat([rest, data]);
    const kept: Buffer[] = [];
    // A letter that says what it is, and its length without that.
    while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
      const end = rest.readUInt32BE(1) + 1;
      if (rest[0] !== "A".charCodeAt(0)) kept.push(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    return Buffer.concat(kept);
  };
}

it.skipIf(!hasPostgres)(
  "a process whose LISTEN is taken and that is told nothing, as behind a pooler of transactions, learns so by itself",
  async () => {
    await using server = await PostgresServer.start();
    await using proxy = await TcpProxy.start(server.port, { filter: withoutNotifications });
    const [near, far] = [
      await start(server.url),
      await start(server.url.replace(`:${server.port}`, `:${proxy.port}`)),
    ];
    const [others, own] = [near.resolve(CacheManager), far.resolve(CacheManager)];
    await others.set("k", "old");
    await vi.waitFor(async () => expect(await own.get("k")).toBe("old"));
    await others.set("k", "new");
    await vi.waitFor(async () => expect(await own.get("k")).toBe("new"), { timeout: 20_000 });
    await vi.waitFor(() => expect(warnings()).toHaveLength(1), { timeout: 30_000 });
    expect(warnings()[0]).toContain("takes a LISTEN and delivers nothing");
    await Promise.all([near.stop(), far.stop()]);
  },
);
