import { chaos, ChaosSource, degrade, retry } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, CacheManager, cachePlugin, cachePut } from "@mlmcp/plugin-cache";
import { describe, expect, it } from "vitest";
import { FaultyAdapter } from "./faulty-adapter.js";
import { list } from "../support/list.js";
import { collect, gate, inMemory, stopTime } from "./in-memory.js";

interface User {
  readonly id: number;
  readonly name: string;
}

class Users {
  readonly trace: string[] = [];
  @cached({ ttl: "1m", tags: (user) => (user ? [`name:${(user as User).name}`] : []) })
  async find(id: number): Promise<User> {
    this.trace.push(`find ${id}`);
    return { id, name: "loaded" };
  }
  @cachePut({ operation: "find", key: (user: User) => [user.id] })
  async create(name: string): Promise<User> {
    this.trace.push(`create ${name}`);
    return { id: 1, name };
  }
  @cachePut({ operation: "find" })
  async reload(id: number): Promise<User> {
    this.trace.push(`reload ${id}`);
    return { id, name: "reloaded" };
  }
  @cachePut({ operation: "find", key: (_: User, [id]: [number, string]) => [id], ttl: "5s", tags: ["own"] })
  async rename(id: number, name: string): Promise<User> {
    return { id, name };
  }
}

describe("@cachePut", () => {
  it("runs the method at every call and keeps its result as that of another method", async () => {
    const kernel = await inMemory();
    const users = kernel.adopt(new Users());
    const created = await users.create("Ada");
    (created as { name: string }).name = "changed by the caller";
    expect(await users.find(1)).toEqual({ id: 1, name: "Ada" });
    await users.create("Bea");
    expect(await users.find(1)).toEqual({ id: 1, name: "Bea" });
    await users.reload(2);
    expect(await users.find(2)).toEqual({ id: 2, name: "reloaded" });
    expect(users.trace).toEqual(["create Ada", "create Bea", "reload 2"]);
    expect(await kernel.outcome(() => users.create("Cy"))).toMatchObject({ cached: false, attempts: 1 });
  });

  it("keeps it as that method's @cached says, unless it says otherwise itself", async () => {
    const kernel = await inMemory();
    const pass = stopTime();
    const users = kernel.adopt(new Users());
    const manager = kernel.resolve(CacheManager);
    await users.create("Ada");
    await users.rename(2, "Bea");
    await pass(5_000);
    expect([(await users.find(1)).name, (await users.find(2)).name]).toEqual(["Ada", "loaded"]);
    await manager.invalidateTags(["name:Ada"]);
    expect((await users.find(1)).name).toBe("loaded");
    await users.rename(1, "Cy");
    await manager.invalidateTags(["name:Cy"]);
    expect((await users.find(1)).name).toBe("Cy");
    await manager.invalidateTags(["own"]);
    expect((await users.find(1)).name).toBe("loaded");
    await users.create("Di");
    await pass(60_000);
    expect((await users.find(1)).name).toBe("loaded");
  });

  it("replaces what is being loaded meanwhile", async () => {
    const door = gate<string>();
    class Racing {
      @cached()
      async load(): Promise<string> {
        return door.promise;
      }
      @cachePut({ operation: "load" })
      async save(): Promise<string> {
        return "newer";
      }
    }
    const kernel = await inMemory();
    const racing = kernel.adopt(new Racing());
    const loading = racing.load();
    await racing.save();
    door.open("older");
    expect([await loading, await racing.load()]).toEqual(["older", "newer"]);
  });

  it("keeps a result of an instance for that instance, and one that follows files with their state", async () => {
    class Own {
      constructor(readonly name: string) {}
      @cached({ scope: "instance" })
      async load(): Promise<string> {
        return "loaded";
      }
      @cachePut({ operation: "load" })
      async save(): Promise<string> {
        return `saved ${this.name}`;
      }
      @cached({ files: () => import.meta.filename })
      async parse(): Promise<string> {
        return "parsed";
      }
      @cachePut({ operation: "parse" })
      async write(): Promise<string> {
        return "written";
      }
    }
    const kernel = await inMemory();
    const [one, two] = [kernel.adopt(new Own("one")), kernel.adopt(new Own("two"))];
    await one.save();
    expect([await one.load(), await two.load()]).toEqual(["saved one", "loaded"]);
    await one.write();
    expect(await two.parse()).toBe("written");
  });

  it("makes an entry of the CacheManager where it names no method", async () => {
    class Settings {
      @cachePut({ key: (_: string, [name]: [string]) => ["settings", name], ttl: "10s", namespace: "app" })
      async save(name: string): Promise<string> {
        return `value of ${name}`;
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const manager = kernel.resolve(CacheManager);
    await kernel.adopt(new Settings()).save("theme");
    expect(await manager.get(["settings", "theme"], { namespace: "app" })).toBe("value of theme");
    expect(await manager.get(["settings", "theme"])).toBeUndefined();
    await pass(10_000);
    expect(await manager.get(["settings", "theme"], { namespace: "app" })).toBeUndefined();
  });

  it("keeps no error, nothing that `when` refuses, and nothing for a ttl of 0", async () => {
    class Picky {
      loaded = 0;
      @cached()
      async load(): Promise<number> {
        return ++this.loaded;
      }
      @cachePut({
        operation: "load",
        key: () => [],
        when: (value: number, [keep]: [boolean]) => keep && value > 0,
      })
      async save(_keep: boolean): Promise<number> {
        return 100;
      }
      @cachePut({ operation: "load", ttl: () => 0 })
      async brief(): Promise<number> {
        return 100;
      }
      @cachePut({ operation: "load" })
      async fail(): Promise<number> {
        throw new Error("not saved");
      }
    }
    const kernel = await inMemory();
    const picky = kernel.adopt(new Picky());
    await picky.save(false);
    await picky.brief();
    await expect(picky.fail()).rejects.toThrow("not saved");
    expect(await picky.load()).toBe(1);
    await picky.save(true);
    expect(await picky.load()).toBe(100);
  });

  it("keeps neither a fallback nor a result of @chaos", async () => {
    let drawn = 0;
    class Rates {
      failing = false;
      @cached()
      async load(): Promise<string> {
        return "loaded";
      }
      @cachePut({ operation: "load" })
      @retry(1)
      @chaos({ result: { value: "wrong" }, resultRate: 0.5 })
      async struck(): Promise<string> {
        return "right";
      }
      @cachePut({ operation: "load" })
      @degrade({ fallback: { value: "stand-in" }, breaker: false })
      async degraded(): Promise<string> {
        throw new Error("down");
      }
    }
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: "memory:" }, system: { chaos: true } },
      services: [[ChaosSource, { random: () => drawn }]],
    });
    const rates = kernel.adopt(new Rates());
    expect([await rates.struck(), await rates.degraded()]).toEqual(["wrong", "stand-in"]);
    expect(await rates.load()).toBe("loaded");
    drawn = 0.9;
    await rates.struck();
    expect(await rates.load()).toBe("right");
  });

  it("fails no call where the store or its own functions fail, and leaves no older entry in place of what cannot be kept", async () => {
    const adapter = new FaultyAdapter();
    class Stored {
      loaded = 0;
      @cached()
      async load(): Promise<unknown> {
        return ++this.loaded;
      }
      @cachePut({ operation: "load" })
      async save(value: unknown): Promise<unknown> {
        return value;
      }
      @cachePut({
        operation: "load",
        key: () => {
          throw new TypeError("no key");
        },
      })
      async wrong(): Promise<string> {
        return "ran";
      }
    }
    const kernel = await createTestKernel({ plugins: [cachePlugin], config: { cache: { store: adapter } } });
    const errors = collect("cache:error");
    const stored = kernel.adopt(new Stored());
    expect(await stored.wrong()).toBe("ran");
    expect(errors.map(({ action, error }) => [action, String(error)])).toEqual([
      ["set", "TypeError: no key"],
    ]);
    expect(await stored.load()).toBe(1);
    const uncopyable = () => 1;
    class Unkeyed {
      @cachePut({ operation: "Stored.load", key: () => [] })
      async save(): Promise<unknown> {
        return uncopyable;
      }
    }
    expect(await kernel.adopt(new Unkeyed()).save()).toBe(uncopyable);
    expect(await stored.load()).toBe(2);
    adapter.failing = true;
    expect(await stored.save("while down")).toBe("while down");
    adapter.failing = false;
    await kernel.stop();
  });

  it("refuses what says nothing about where the result goes", async () => {
    class Wrong {
      ran = 0;
      @cachePut({} as never)
      async nowhere(): Promise<void> {
        this.ran++;
      }
      @cachePut({ operation: "load", namespace: "n" as never })
      async twice(): Promise<void> {
        this.ran++;
      }
      @cachePut({ operation: "load" })
      async unknown(): Promise<void> {
        this.ran++;
      }
    }
    const kernel = await inMemory();
    const wrong = kernel.adopt(new Wrong());
    await expect(wrong.nowhere()).rejects.toThrow("nothing says which entry the result becomes.");
    await expect(wrong.twice()).rejects.toThrow("namespace is that of the operation's entries");
    await expect(wrong.unknown()).rejects.toMatchObject({ code: "MLMCP_CACHE_OPERATION" });
    expect(wrong.ran).toBe(0);
  });

  it("passes through where the target's caching or all caching is off", async () => {
    for (const more of [
      { operations: { "Users.find": { cached: false } } },
      { performance: { enableCaching: false } },
    ]) {
      const kernel = await inMemory(more);
      const users = kernel.adopt(new Users());
      expect(await users.create("Ada")).toEqual({ id: 1, name: "Ada" });
      expect(await list(kernel.resolve(CacheManager).entries())).toEqual([]);
      await kernel.stop();
    }
  });

  it("is there for functions that a kernel wraps", async () => {
    const kernel = await inMemory();
    const load = kernel.wrap(async (id: number) => `loaded ${id}`, { name: "load", cached: {} });
    const save = kernel.wrap(async (id: number) => `saved ${id}`, {
      name: "save",
      cachePut: { operation: "load" },
    });
    await save(1);
    expect([await load(1), await load(2)]).toEqual(["saved 1", "loaded 2"]);
  });
});
