import { expect, it } from "vitest";
import { useProgram } from "../../support/child-program.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";

const speedsOn = useProgram(new URL("redis-store.child.ts", import.meta.url));

// The benchmarks ask the cache as applications do. This asks what stands behind its memory, by itself and guarded.
it.skipIf(!hasRedis())(
  "makes nine calls while Keyv with @keyv/redis makes ten, although others are told of each set by hand",
  async () => {
    await using server = await RedisServer.start();
    const speeds = await speedsOn<Record<string, number>>(server.url);
    console.log(speeds);
    for (const what of ["get", "set by hand, beside one that tells nobody"])
      expect(speeds[`alone: ${what}`]).toBeGreaterThan(0.9);
  },
  600_000,
);
