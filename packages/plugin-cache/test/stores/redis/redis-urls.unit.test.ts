import { createTestKernel } from "@mlmcp/core/testing";
import { CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { afterEach, describe, expect, it, vi } from "vitest";
import { hasOpenssl, makeCertificate } from "../../support/certificate.js";
import { useProgram } from "../../support/child-program.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";
import { TcpProxy } from "../../support/tcp-proxy.js";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const start = (store: string) =>
  createTestKernel({ plugins: [cachePlugin], config: { cache: { store, storeTimeout: "5s" } } });

describe.skipIf(!hasRedis())("the URL of a server that speaks Redis' protocol", () => {
  it.each(["redis", "valkey"])(
    "has its user, password and database reach it, under %s://",
    async (scheme) => {
      const password = "p@ss/w:rd#1 %zz";
      await using server = await RedisServer.start({
        settings: ["--user", "cache", "on", `>${password}`, "~mlmcp*", "&mlmcp*", "+@all"],
      });
      const store = `${scheme}://cache:${encodeURIComponent(password)}@127.0.0.1:${server.port}/3`;
      const kernel = await start(store);
      expect(await kernel.resolve(CacheManager).set("k", "kept", { tags: ["t"] })).toBe(true);
      expect((await kernel.health()).checks["@mlmcp/plugin-cache/store"]).toMatchObject({
        status: "up",
        details: { store: `${scheme}://127.0.0.1:${server.port}/3` },
      });
      expect(server.ask("CLIENT", "LIST")).toMatch(/ db=3 .* user=cache /);
      expect([server.ask("DBSIZE"), Number(server.ask("-n", "3", "DBSIZE")) > 0]).toEqual(["0", true]);
      await using next = await start(store);
      expect(await next.resolve(CacheManager).get("k")).toBe("kept");
      await kernel.stop();
      await next.stop();
    },
  );
});

describe.skipIf(!hasRedis() || !hasOpenssl)("an encrypted connection", () => {
  const run = useProgram(new URL("../idle.child.ts", import.meta.url));

  it.each(["rediss", "valkeys"])(
    "is made under %s:// where Node.js trusts the server's certificate",
    async (scheme) => {
      const certificate = makeCertificate();
      await using server = await RedisServer.start();
      await using encrypted = await TcpProxy.start(server.port, { certificate });
      vi.stubEnv("NODE_EXTRA_CA_CERTS", certificate.certificate);
      expect(await run("script", `${scheme}://127.0.0.1:${encrypted.port}`)).toBe("kept");
      expect(Number(server.ask("DBSIZE"))).toBeGreaterThan(0);
    },
  );

  it.each(["rediss", "valkeys"])(
    "is not made under %s:// where it does not, which is told",
    async (scheme) => {
      vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
      await using server = await RedisServer.start();
      await using encrypted = await TcpProxy.start(server.port, { certificate: makeCertificate() });
      await using kernel = await start(`${scheme}://127.0.0.1:${encrypted.port}`);
      await kernel.resolve(CacheManager).set("k", 1);
      const { status, details } = (await kernel.health()).checks["@mlmcp/plugin-cache/store"]!;
      expect(status).toBe("degraded");
      expect(details).toMatchObject({ reason: expect.stringContaining("self-signed certificate") });
      expect(server.ask("DBSIZE")).toBe("0");
      await kernel.stop();
    },
  );
});
