import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKernel } from "@mlmcp/core";
import { cached, cacheEvict, cachePlugin, cachePut, CacheManager } from "@mlmcp/plugin-cache";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSince } from "./support/leftovers.js";
import { temporaryDirectory } from "./temporary.js";

class Users {
  name = "Ada";
  @cached({ tags: ["users"] })
  async find(id: number): Promise<string> {
    return `${this.name} ${id}`;
  }
  @cacheEvict({ operation: "find", key: (id: number) => [id] })
  async rename(_id: number, name: string): Promise<void> {
    this.name = name;
  }
  @cacheEvict({ tags: ["users"] })
  async renameAll(name: string): Promise<void> {
    this.name = name;
  }
  @cachePut({ operation: "find", key: (_result: string, [id]: [number, string]) => [id] })
  async replace(id: number, name: string): Promise<string> {
    this.name = name;
    return `${name} ${id}`;
  }
  @cachePut({ key: () => ["by hand"] })
  async note(text: string): Promise<string> {
    return text;
  }
}

const off = { performance: { enableCaching: false } };
const cacheOff = { operations: { "Users.find": { cached: false } } };

/** A service on a store of its own, reloaded by hand. */
async function service(store: string, { cwd = temporaryDirectory(), config = {} } = {}) {
  const rc = join(cwd, `.mlmcprc.json`);
  const base = { cache: { store } };
  const write = (more: object): void => writeFileSync(rc, JSON.stringify({ ...base, ...more }));
  write(config);
  const kernel = await createKernel({ cwd, env: {}, plugins: [cachePlugin], autoload: false });
  onTestFinished(() => kernel.stop());
  return {
    cwd,
    kernel,
    users: kernel.adopt(new Users()),
    manager: kernel.resolve(CacheManager),
    async reload(more: object = {}): Promise<void> {
      write(more);
      await kernel.reload();
    },
  };
}

describe.each(["memory:", "sqlite://cache.db"])("caching that is turned off and on again, on %s", (store) => {
  it.each<[string, object, (users: Users) => Promise<unknown>]>([
    ["its arguments", off, (users) => users.rename(1, "Bob")],
    ["a tag", off, (users) => users.renameAll("Bob")],
    ["@cachePut", off, (users) => users.replace(1, "Bob")],
    ["its arguments, where it alone is off", cacheOff, (users) => users.rename(1, "Bob")],
    ["@cachePut, where it alone is off", cacheOff, (users) => users.replace(1, "Bob")],
  ])("gives nothing that was invalidated meanwhile by %s", async (_, more, change) => {
    const { users, reload } = await service(store);
    expect(await users.find(1)).toBe("Ada 1");
    await reload(more);
    await change(users);
    expect(await users.find(1)).toBe("Bob 1");
    await reload();
    expect(await users.find(1)).toBe("Bob 1");
  });

  it("gives nothing that the CacheManager changed meanwhile, and what it did not change", async () => {
    const { users, manager, reload } = await service(store);
    const seed = async (): Promise<void> => {
      await users.find(1);
      await users.note("old");
      for (const key of ["set", "deleted", "stays"]) await manager.set(key, "old");
    };
    await seed();
    await reload(off);
    users.name = "Bob";
    await manager.invalidate("Users.find", [1]);
    expect(await manager.set("set", "new")).toBe(false);
    await manager.delete("deleted");
    await users.note("new");
    await reload();
    expect(await users.find(1)).toBe("Bob 1");
    expect(await manager.getMany(["set", "deleted", "stays", ["by hand"]])).toEqual(
      new Map([["stays", "old"]]),
    );
  });
});

it("caching that is turned off still tells other processes on the store", async () => {
  const one = await service("sqlite://cache.db");
  const other = await service(`sqlite://${join(one.cwd, "cache.db")}`);
  expect(await other.users.find(1)).toBe("Ada 1");
  expect(await one.users.find(1)).toBe("Ada 1");
  await one.reload(off);
  other.users.name = "Bob";
  await one.users.renameAll("Bob");
  await expect.poll(() => other.users.find(1), { timeout: 50_000 }).toBe("Bob 1");
});

describe("a process that starts with caching turned off", () => {
  /** It, another one on the same store that holds results, and the file of that. */
  async function two() {
    const other = await service("sqlite://cache.db");
    const file = join(other.cwd, "cache.db");
    const one = await service(`sqlite://${file}`, { config: off });
    expect(await other.users.find(1)).toBe("Ada 1");
    await other.users.note("noted");
    other.users.name = "Bob";
    return { one, other, file };
  }

  it.each<[string, (one: Awaited<ReturnType<typeof service>>) => Promise<unknown>]>([
    ["invalidateTags", ({ manager }) => manager.invalidateTags(["users"])],
    ["invalidate", ({ manager }) => manager.invalidate("Users.find", [1])],
    ["invalidate of all", ({ manager }) => manager.invalidate("Users.find")],
    ["clear", ({ manager }) => manager.clear()],
    ["@cacheEvict by a tag", ({ users }) => users.renameAll("Bob")],
    ["@cacheEvict by arguments", ({ users }) => users.rename(1, "Bob")],
    ["@cachePut", ({ users }) => users.replace(1, "Bob")],
  ])("tells the others on the store of %s", async (_, change) => {
    const { one, other } = await two();
    await change(one);
    await expect.poll(() => other.users.find(1), { timeout: 50_000 }).toBe("Bob 1");
  });

  it("tells them of a key that it deletes", async () => {
    const { one, other } = await two();
    expect(await one.manager.delete(["by hand"])).toBe(true);
    await expect.poll(() => other.manager.get(["by hand"]), { timeout: 50_000 }).toBeUndefined();
  });

  it("opens the store once it has something to tell, and once only", async () => {
    const { cwd, users, manager, reload, kernel } = await service("sqlite://cache.db", { config: off });
    const file = join(cwd, "cache.db");
    await users.find(1);
    expect(await manager.get("k")).toBeUndefined();
    await manager.getOrSet("k", () => 1);
    await manager.stats();
    expect(existsSync(file)).toBe(false);
    await Promise.all([manager.invalidateTags(["users"]), manager.delete("k"), manager.clear()]);
    expect(existsSync(file)).toBe(true);
    expect((await kernel.health()).status).toBe("up");
    await reload();
    expect(await manager.set("k", 1)).toBe(true);
    expect(await manager.get("k")).toBe(1);
    await kernel.stop();
  });

  it("opens none once it has stopped, also where it was about to", async () => {
    const { cwd, manager, kernel } = await service("sqlite://cache.db", { config: off });
    const before = process.getActiveResourcesInfo();
    // Whether it gets through, who does not wait for it cannot know.
    const told = manager.invalidateTags(["users"]).catch(() => undefined);
    await kernel.stop();
    await told;
    expect(await openSince(before)).toEqual([]);
    const gone = temporaryDirectory();
    const late = await service(`sqlite://${join(gone, "cache.db")}`, { cwd, config: off });
    await late.kernel.stop();
    await late.manager.invalidateTags(["users"]);
    expect(existsSync(join(gone, "cache.db"))).toBe(false);
  });

  it("opens none where there is memory only", async () => {
    const { manager, kernel } = await service("memory:", { config: off });
    await manager.invalidateTags(["users"]);
    expect((await kernel.health()).status).toBe("up");
  });
});
