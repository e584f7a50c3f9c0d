import { afterEach, describe, expect, it, vi } from "vitest";
import { loadLibrary } from "../../../src/stores/redis/library.js";
import { RedisConnection } from "../../../src/stores/redis/redis-connection.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";

afterEach(() => void vi.useRealTimers());

describe.skipIf(!hasRedis())("a connection to Redis", () => {
  it("is one, also where it was asked for while the next attempt was planned", async () => {
    await using server = await RedisServer.start();
    const library = await loadLibrary();
    const createClient = vi.fn(library.createClient);
    const connection = new RedisConnection({ ...library, createClient } as typeof library, {
      url: server.url,
      name: "redis",
      onError: () => undefined,
    });
    await connection.open();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await server.kill();
    await vi.waitFor(() => expect(connection.ready()).rejects.toThrow());
    for (let attempt = 0; attempt < 3; attempt++) await expect(connection.ready()).rejects.toThrow();
    await server.start();
    await connection.ready();
    createClient.mockClear();
    await vi.advanceTimersByTimeAsync(5_000);
    await connection.close();
    expect(createClient).not.toHaveBeenCalled();
  });
});
