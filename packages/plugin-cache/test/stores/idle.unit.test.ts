import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { useProgram } from "../support/child-program.js";
import { hasPostgres, PostgresServer } from "../support/postgres-server.js";
import { hasRedis, RedisServer } from "../support/redis-server.js";
import { temporaryDirectory } from "../temporary.js";

const run = useProgram(new URL("idle.child.ts", import.meta.url));

describe("a process that has done its work and does not stop its kernel", () => {
  it.skipIf(!hasRedis())("ends, on Redis", async () => {
    await using server = await RedisServer.start();
    expect(await run("script", server.url)).toBe("kept");
    expect(Number(server.ask("DBSIZE"))).toBeGreaterThan(0);
  });

  it.skipIf(!hasPostgres)("ends, on Postgres", async () => {
    await using server = await PostgresServer.start();
    expect(await run("script", server.url)).toBe("kept");
  });

  it("ends, on SQLite", async () => {
    expect(await run("script", `sqlite://${join(temporaryDirectory(), "cache.db")}`)).toBe("kept");
  });

  it.skipIf(!hasRedis())("ends only once a write that is under way has been taken", async () => {
    await using server = await RedisServer.start();
    expect(await run("pending", server.url)).toBe("given up");
    expect(server.ask("EXISTS", "mlmcp:e:k")).toBe("1");
  });
});
