import { CacheManager } from "@mlmcp/plugin-cache";
import { afterEach, describe, expect, it, vi } from "vitest";
import { hasPostgres, PostgresServer } from "../support/postgres-server.js";
import { hasRedis, RedisServer } from "../support/redis-server.js";
import { Shell } from "./command-line.js";
import { Shop } from "./fixtures/app.js";

afterEach(() => vi.restoreAllMocks());

const encryptionKey = "correct horse battery staple";

interface Server extends AsyncDisposable {
  readonly url: string;
}

const stores: Record<string, { has: boolean; start(): Promise<Server> }> = {
  "a file": {
    has: true,
    start: async () => ({ url: "sqlite://cache.db", async [Symbol.asyncDispose]() {} }),
  },
  Redis: { has: hasRedis(), start: () => RedisServer.start() },
  Postgres: { has: hasPostgres, start: () => PostgresServer.start() },
};

describe.each(Object.entries(stores))(
  "what was written to %s before there was a key",
  (_, { has, start }) => {
    it.skipIf(!has)("is warned of, named and deleted, and what is encrypted stays", async () => {
      await using server = await start();
      const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
      const told = () =>
        warnings.mock.calls.filter(
          ([, about]) => (about as { code?: string }).code === "MLMCP_CACHE_UNENCRYPTED",
        );
      const store = server.url;
      const shell = new Shell({ cache: { store } });
      const plain = await shell.kernel();
      const shop = plain.adopt(new Shop());
      for (let id = 0; id < 50; id++) await shop.price(`plain ${id}`);
      await plain.stop();

      shell.configure({ cache: { store, encryptionKey } });
      const kernel = await shell.kernel();
      await vi.waitFor(() => expect(told()).toHaveLength(1));
      expect(String(told()[0]![0])).toMatch(
        /^The cache \S+ holds entries that are not encrypted[^]+`mlmcp cache clear --unencrypted`\.$/,
      );
      await kernel.resolve(CacheManager).set("secret", "encrypted");
      await kernel.stop();

      const listed = await shell.json<Array<{ operation: string; state: string }>>([
        "cache",
        "list",
        "--limit",
        "99",
      ]);
      const ofPrices = listed.filter(({ operation }) => operation === "Shop.price");
      expect(ofPrices).toHaveLength(50);
      expect(ofPrices.every(({ state }) => state === "unencrypted")).toBe(true);
      expect(listed.filter(({ operation }) => operation === "CacheManager")).toMatchObject([
        { state: "fresh" },
      ]);
      const sick = await shell.run(["cache", "verify"]);
      expect(sick.code).toBe(1);
      expect(sick.out).toMatch(/^5\d of 5\d entries are not encrypted[^]+→ [^]+cache clear --unencrypted/);
      expect(sick.out).not.toContain("cannot be read");

      const { code, out } = await shell.run(["cache", "clear", "--unencrypted", "--yes"]);
      expect([code, out]).toEqual([
        0,
        expect.stringMatching(/^Deleted 5\d entries without encryption from /),
      ]);
      expect((await shell.run(["cache", "verify"])).code).toBe(0);
      const before = told().length;
      const again = await shell.kernel();
      expect(await again.resolve(CacheManager).get("secret")).toBe("encrypted");
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(told()).toHaveLength(before);
      await again.stop();
    });
  },
);

it("`clear --unencrypted` is refused without a key, and beside other choices", async () => {
  const shell = new Shell();
  const without = await shell.run(["cache", "clear", "--unencrypted", "--yes"]);
  expect([without.code, without.err]).toEqual([1, expect.stringContaining("cache.encryptionKey is not set")]);
  shell.configure({ cache: { encryptionKey } });
  const both = await shell.run(["cache", "clear", "--unencrypted", "--tag", "a", "--yes"]);
  expect([both.code, both.err]).toEqual([1, expect.stringContaining("Leave out --operation and --tag")]);
});

it("`clear` deletes nothing where an operation and a tag are given: neither narrows the other", async () => {
  const shell = new Shell();
  const both = await shell.run(["cache", "clear", "--operation", "Users.find", "--tag", "a", "--yes"]);
  expect([both.code, both.err]).toEqual([1, expect.stringContaining("Give one of them")]);
});
