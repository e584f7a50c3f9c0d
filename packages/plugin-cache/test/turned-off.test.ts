import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKernel } from "@mlmcp/core";
import { cached, cacheEvict, cachePlugin, cachePut, CacheManager } from "@mlmcp/plugin-cache";
import { describe, expect, it, onTestFinished } from "vitest";
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
async function service(store: string, cwd = temporaryDirectory()) {
  const rc = join(cwd, `.mlmcprc.json`);
  const base = { cache: { store } };
  const write = (more: object): void => writeFileSync(rc, JSON.stringify({ ...base, ...more }));
  write({});
  const kernel = await createKernel({ cwd, env: {}, plugins: [cachePlugin], autoload: false });
  onTestFinished(() => kernel.stop());
  return {
    cwd,
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
