import { chaos, ChaosSource, degrade, retry } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cacheEvict, CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { describe, expect, it } from "vitest";
import { FaultyAdapter } from "./faulty-adapter.js";
import { collect, gate, inMemory } from "./in-memory.js";

/** Users of several teams, and how often each was loaded. */
class Users {
  readonly trace: string[] = [];
  failing = false;
  @cached({ cacheErrors: true, tags: (_, [, team]: [number, string?]) => (team ? [`team:${team}`] : []) })
  async find(id: number, _team?: string): Promise<string> {
    this.trace.push(`find ${id}`);
    return `user ${id}`;
  }
  @cached({ name: "Directory.all" })
  async list(): Promise<string[]> {
    this.trace.push("list");
    return [];
  }
  @cacheEvict({ operation: "find", key: (user: { id: number }) => [user.id] })
  async save(user: { id: number }): Promise<string> {
    this.trace.push(`save ${user.id}`);
    if (this.failing) throw new Error("not saved");
    return "saved";
  }
  @cacheEvict({ operation: "find" })
  async remove(id: number): Promise<void> {
    this.trace.push(`remove ${id}`);
  }
  @cacheEvict({ operation: ["find", "Directory.all"], all: true })
  async reset(): Promise<void> {}
  @cacheEvict({ tags: (_: unknown, [team]: [string]) => [`team:${team}`] })
  async disband(_team: string): Promise<void> {}
  @cacheEvict({ tags: (moved: readonly string[] | undefined) => (moved ?? []).map((team) => `team:${team}`) })
  async move(): Promise<readonly string[]> {
    return ["red"];
  }
  @cacheEvict({ all: true })
  async everything(): Promise<void> {}
  @cacheEvict({ operation: "find", when: "before" })
  async reload(id: number): Promise<string> {
    this.trace.push(`reload ${id}`);
    if (this.failing) throw new Error("not reloaded");
    return this.find(id);
  }
}

async function subject() {
  const kernel = await inMemory();
  const users = kernel.adopt(new Users());
  const load = async (): Promise<string[]> => {
    users.trace.length = 0;
    await users.find(1, "red");
    await users.find(2, "blue");
    await users.find(1);
    await users.list();
    return users.trace;
  };
  await load();
  return { kernel, users, load };
}

describe("@cacheEvict", () => {
  it("deletes the entry that `key` names, once the method has succeeded", async () => {
    const { users, load } = await subject();
    expect(await users.save({ id: 1 })).toBe("saved");
    expect(await load()).toEqual(["find 1"]);
    users.failing = true;
    await expect(users.save({ id: 1 })).rejects.toThrow("not saved");
    expect(await load()).toEqual([]);
  });

  it("deletes the entry of the same arguments where nothing else is said", async () => {
    const { users, load } = await subject();
    await users.remove(1);
    expect(await load()).toEqual(["find 1"]);
  });

  it("makes all entries of several methods outdated, and by tag those of the tag", async () => {
    const { users, load } = await subject();
    await users.reset();
    expect(await load()).toEqual(["find 1", "find 2", "find 1", "list"]);
    await users.disband("blue");
    expect(await load()).toEqual(["find 2"]);
    await users.move();
    expect(await load()).toEqual(["find 1"]);
    await users.everything();
    expect(await load()).toEqual(["find 1", "find 2", "find 1", "list"]);
  });

  it("before the method, whether that succeeds or not", async () => {
    const { users, load } = await subject();
    users.trace.length = 0;
    expect(await users.reload(1)).toBe("user 1");
    expect(users.trace).toEqual(["reload 1", "find 1"]);
    users.failing = true;
    await expect(users.reload(1)).rejects.toThrow("not reloaded");
    expect(await load()).toEqual(["find 1"]);
  });

  it("is over before the caller has the result, and not before the method has ended", async () => {
    const doors = [gate(), gate<string>()] as const;
    const trace: string[] = [];
    class Ordered {
      ran = 0;
      @cached()
      async load(): Promise<number> {
        return ++this.ran;
      }
      @cacheEvict({ operation: "load" })
      async change(): Promise<string> {
        trace.push("begun");
        doors[0].open();
        return doors[1].promise;
      }
    }
    const kernel = await inMemory();
    const ordered = kernel.adopt(new Ordered());
    await ordered.load();
    const change = ordered.change().then((value) => void trace.push(value));
    await doors[0].promise;
    trace.push(`meanwhile ${await ordered.load()}`);
    doors[1].open("changed");
    await change;
    trace.push(`then ${await ordered.load()}`);
    expect(trace).toEqual(["begun", "meanwhile 1", "changed", "then 2"]);
  });

  it("keeps nothing that was being loaded while it happened", async () => {
    const door = gate<string>();
    class Racing {
      ran = 0;
      @cached()
      async load(): Promise<string> {
        return this.ran++ === 0 ? door.promise : "new";
      }
      @cacheEvict({ operation: "load" })
      async change(): Promise<void> {}
    }
    const kernel = await inMemory();
    const racing = kernel.adopt(new Racing());
    const loading = racing.load();
    await racing.change();
    door.open("old");
    expect([await loading, await racing.load()]).toEqual(["old", "new"]);
  });

  it("finds the method by id, by a function in another class, among inherited and static ones, and on the same object", async () => {
    class Base {
      ran = 0;
      @cached({ scope: "instance" })
      async load(): Promise<number> {
        return ++this.ran;
      }
      static total = 0;
      @cached({ name: "Base.counted" })
      static async count(): Promise<number> {
        return ++Base.total;
      }
      @cacheEvict({ operation: "count" })
      static async recount(): Promise<void> {}
    }
    class Derived extends Base {
      @cacheEvict({ operation: "load" })
      async change(): Promise<void> {}
    }
    class Elsewhere {
      @cacheEvict({ operation: () => Base.count, all: true })
      async byFunction(): Promise<void> {}
      @cacheEvict({ operation: "Base.counted", key: () => [] })
      async byId(): Promise<void> {}
    }
    const kernel = await inMemory();
    const [one, two] = [kernel.adopt(new Derived()), kernel.adopt(new Derived())];
    const elsewhere = kernel.adopt(new Elsewhere());
    await Promise.all([one.load(), two.load()]);
    await one.change();
    expect([await one.load(), await two.load()]).toEqual([2, 1]);
    const counts = [await Base.count()];
    await Base.recount();
    counts.push(await Base.count());
    await elsewhere.byFunction();
    counts.push(await Base.count());
    await elsewhere.byId();
    counts.push(await Base.count(), await Base.count());
    expect(counts).toEqual([1, 2, 3, 4, 4]);
  });

  it("deletes keys of the CacheManager", async () => {
    class Settings {
      @cacheEvict({ key: (name: string) => ["settings", name] })
      async save(_name: string): Promise<void> {}
    }
    const kernel = await inMemory();
    const manager = kernel.resolve(CacheManager);
    await manager.set(["settings", "theme"], "dark");
    await manager.set(["settings", "font"], "serif");
    await kernel.adopt(new Settings()).save("theme");
    expect([await manager.get(["settings", "theme"]), await manager.get(["settings", "font"])]).toEqual([
      undefined,
      "serif",
    ]);
  });

  it("takes no fallback for a success, and every attempt of a retry for one call", async () => {
    class Flaky {
      ran = 0;
      loaded = 0;
      @cached()
      async load(): Promise<number> {
        return ++this.loaded;
      }
      @cacheEvict({ operation: "load" })
      @degrade({ fallback: { value: "queued" }, breaker: false })
      @retry({ maxRetries: 1, initialDelay: 0 })
      async save(): Promise<string> {
        if (++this.ran < 4) throw new Error("down");
        return "saved";
      }
    }
    const kernel = await inMemory();
    const deletions = collect("cache:set");
    const flaky = kernel.adopt(new Flaky());
    await flaky.load();
    expect([await flaky.save(), await flaky.load()]).toEqual(["queued", 1]);
    expect([await flaky.save(), await flaky.load()]).toEqual(["saved", 2]);
    expect(deletions.length).toBe(2);
  });

  it("fails no call where the store fails: the event tells, and memory has forgotten", async () => {
    const adapter = new FaultyAdapter();
    class Stored {
      ran = 0;
      @cached()
      async load(): Promise<number> {
        return ++this.ran;
      }
      @cacheEvict({ operation: "load", when: "before" })
      async before(): Promise<string> {
        return "ran";
      }
      @cacheEvict({ operation: "load", tags: ["a"] })
      async after(): Promise<string> {
        return "ran";
      }
    }
    const kernel = await createTestKernel({ plugins: [cachePlugin], config: { cache: { store: adapter } } });
    const errors = collect("cache:error");
    const stored = kernel.adopt(new Stored());
    await stored.load();
    adapter.failing = true;
    expect(await stored.before()).toBe("ran");
    expect(errors.some(({ action }) => action === "delete")).toBe(true);
    expect(await stored.after()).toBe("ran");
    // Of one outage each action is told once.
    expect(errors.map(({ action }) => action).sort()).toEqual(["delete", "invalidate"]);
    expect(await stored.load()).toBe(2);
    adapter.failing = false;
    await kernel.stop();
  });

  it("fails no call where `tags` throws, and does the rest", async () => {
    class Wrong {
      ran = 0;
      @cached()
      async load(): Promise<number> {
        return ++this.ran;
      }
      @cacheEvict({
        operation: "load",
        tags: () => {
          throw new TypeError("no tags");
        },
      })
      async save(): Promise<string> {
        return "saved";
      }
    }
    const kernel = await inMemory();
    const errors = collect("cache:error");
    const wrong = kernel.adopt(new Wrong());
    await wrong.load();
    expect([await wrong.save(), await wrong.load()]).toEqual(["saved", 2]);
    expect(errors.map(({ action, error }) => [action, String(error)])).toEqual([
      ["invalidate", "TypeError: no tags"],
    ]);
  });

  it("refuses what it cannot name before the method runs, and says what to do", async () => {
    class Wrong {
      ran = 0;
      @cached()
      async load(): Promise<number> {
        return 1;
      }
      @retry(1)
      async plain(): Promise<void> {}
      @cacheEvict({ operation: "laod" })
      async misspelt(): Promise<void> {
        this.ran++;
      }
      @cacheEvict({ operation: "plain" })
      async uncached(): Promise<void> {
        this.ran++;
      }
      @cacheEvict({ operation: () => Math.max })
      async foreign(): Promise<void> {
        this.ran++;
      }
      @cacheEvict({ operation: "load", key: (id: number) => id as never })
      async noArray(_id: number): Promise<void> {
        this.ran++;
      }
      @cacheEvict({ operation: "load", key: () => [Symbol("k")] })
      async noKey(): Promise<void> {
        this.ran++;
      }
      @cacheEvict({} as never)
      async nothing(): Promise<void> {
        this.ran++;
      }
      @cacheEvict({ operation: "load", key: () => [], all: true })
      async both(): Promise<void> {
        this.ran++;
      }
    }
    const kernel = await inMemory();
    const wrong = kernel.adopt(new Wrong());
    const refusals: [keyof Wrong, string][] = [
      ["misspelt", 'There is no operation "laod".'],
      ["uncached", "Wrong.plain is not decorated with @cached. Put @cached() on it."],
      ["foreign", "The function that was given is no decorated method and gives none."],
      [
        "noArray",
        "The `key` of @cacheEvict on Wrong.noArray gave a value of type number. Return the arguments of the call",
      ],
      ["noKey", "Wrong.load cannot be cached by its arguments: argument 1 is"],
      ["nothing", "it names nothing to evict. Give `tags`, `operation`, `key` or `all: true`."],
      ["both", "key means one entry and all means every one. Remove one of them."],
    ];
    for (const [method, message] of refusals) {
      await expect((wrong[method] as (id?: number) => Promise<void>).call(wrong, 7)).rejects.toThrow(message);
    }
    expect(wrong.ran).toBe(0);
  });

  it("refuses methods that return no promise, and async generators", async () => {
    class Wrong {
      sync(): number {
        return 1;
      }
      async *items(): AsyncGenerator<number> {
        yield 1;
      }
    }
    const decorate = cacheEvict({ all: true }) as (target: object, key: string, descriptor: object) => void;
    const { prototype } = Wrong;
    const apply = (name: "sync" | "items"): unknown =>
      decorate(prototype, name, Object.getOwnPropertyDescriptor(prototype, name)!);
    expect(() => apply("items")).toThrow("it cannot serve a method that returns an async iterable");
    const kernel = await inMemory();
    const descriptor = apply("sync") as PropertyDescriptor | undefined;
    if (descriptor) Object.defineProperty(prototype, "sync", descriptor);
    await expect(kernel.adopt(new Wrong()).sync()).rejects.toMatchObject({
      code: "MLMCP_SYNCHRONOUS_METHOD",
    });
  });

  it("does nothing where the target's caching, its own advice or all caching is off", async () => {
    class Off {
      @cached()
      async load(): Promise<number> {
        return 1;
      }
      @cacheEvict({ operation: "load" })
      async save(): Promise<string> {
        return "saved";
      }
    }
    for (const more of [
      { operations: { "Off.load": { cached: false } } },
      { operations: { "Off.save": { cacheEvict: false } } },
      { performance: { enableCaching: false } },
    ]) {
      const kernel = await inMemory(more);
      expect(await kernel.adopt(new Off()).save()).toBe("saved");
      await kernel.stop();
    }
  });

  it("is there for functions that a kernel wraps", async () => {
    const kernel = await inMemory();
    let ran = 0;
    const load = kernel.wrap(async (id: number) => `${id} ${++ran}`, { name: "load", cached: "1m" });
    const save = kernel.wrap(async (id: number) => id, { name: "save", cacheEvict: { operation: "load" } });
    expect([await load(1), await load(2)]).toEqual(["1 1", "2 2"]);
    await save(1);
    expect([await load(1), await load(2)]).toEqual(["1 3", "2 2"]);
  });

  it("can be tuned in the configuration", async () => {
    const kernel = await inMemory({
      operations: {
        "Users.remove": { cacheEvict: { operation: "Directory.all", all: true, when: "before" } },
      },
    });
    const users = kernel.adopt(new Users());
    await users.list();
    await users.remove(1);
    await users.list();
    expect(users.trace).toEqual(["list", "remove 1", "list"]);
  });

  it("leaves what @chaos does to itself", async () => {
    class Struck {
      ran = 0;
      @cached()
      async load(): Promise<number> {
        return ++this.ran;
      }
      @cacheEvict({ operation: "load" })
      @chaos(1)
      async save(): Promise<void> {}
    }
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: "memory:" }, system: { chaos: true } },
      services: [[ChaosSource, { random: () => 0 }]],
    });
    const struck = kernel.adopt(new Struck());
    await struck.load();
    await expect(struck.save()).rejects.toMatchObject({ code: "MLMCP_CHAOS" });
    expect(await struck.load()).toBe(1);
  });
});
