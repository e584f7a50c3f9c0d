import { describe, expect, it } from "vitest";
import { locate } from "../../../src/stores/location.js";
import { loadLibrary } from "../../../src/stores/redis/library.js";
import { RedisConnection } from "../../../src/stores/redis/redis-connection.js";
import { RedisVersions } from "../../../src/stores/redis/redis-versions.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";

describe.skipIf(!hasRedis())("the versions in a Redis", () => {
  it("are bounded: where there would be too many, everything gets another one and they begin anew", async () => {
    await using server = await RedisServer.start();
    const { url, name } = locate(server.url)!;
    const connection = new RedisConnection(await loadLibrary(), { url, name, onError: () => undefined });
    await connection.open();
    const versions = new RedisVersions({
      connection,
      root: "t",
      channel: "c",
      lost: "lost",
      told: () => undefined,
      maxNames: 4,
    });
    const set = (tag: string, version: string) =>
      connection.run((client) => versions.set(client, tag, version));
    await set("*", "first");
    for (const tag of ["a", "b", "c"]) await set(tag, "v");
    await set("c", "v2");
    expect(await versions.get(["*", "a", "b", "c"])).toEqual(["first", "v", "v", "v2"]);
    await set("d", "v");
    const [everything, ...others] = await versions.get(["*", "a", "b", "c", "d"]);
    expect(everything).toMatch(/^[\w-]{12}$/);
    expect(others).toEqual([undefined, undefined, undefined, "v"]);
    await connection.close();
  });
});
