import { defineConfig, type ConfigManager } from "@mlmcp/core";
import {
  cached,
  cacheEvict,
  CacheManager,
  cachePut,
  changed,
  previousResult,
  unchanged,
  type CacheStatistics,
  type Previous,
} from "@mlmcp/plugin-cache";
import { expectTypeOf, test } from "vitest";

test("@cached keeps the types of methods", () => {
  class Service {
    @cached()
    async plain(text: string, options?: { deep: boolean }): Promise<number> {
      return text.length + (options?.deep ? 1 : 0);
    }
    @cached("5m")
    generic<T extends string>(value: T): Promise<T> {
      return Promise.resolve(value);
    }
    overloaded(id: number): Promise<number>;
    overloaded(id: string): Promise<string>;
    @cached({ ttl: 0, isolate: false, namespace: "n", version: 2, name: "Service.other" })
    async overloaded(id: number | string): Promise<number | string> {
      return id;
    }
  }
  expectTypeOf<Service["plain"]>().toEqualTypeOf<
    (text: string, options?: { deep: boolean }) => Promise<number>
  >();
  expectTypeOf<Service["generic"]>().toEqualTypeOf<<T extends string>(value: T) => Promise<T>>();
});

test("it decorates classes", () => {
  @cached({ ttl: "1h", only: ["load"] })
  class Service {
    async load(): Promise<number> {
      return 1;
    }
  }
  expectTypeOf<Service["load"]>().toEqualTypeOf<() => Promise<number>>();
});

test("a method that does not return a promise does not compile", () => {
  class Service {
    // @ts-expect-error it returns a plain value
    @cached()
    now(): number {
      return 1;
    }
    // @ts-expect-error it returns an async iterable
    @cached()
    async *items(): AsyncGenerator<number> {
      yield 1;
    }
  }
  expectTypeOf<Service>().toBeObject();
});

test("the options' functions may name fewer parameters than the method, and no others", () => {
  class Service {
    @cached({ key: (id: string) => id })
    async byId(id: string, signal: AbortSignal): Promise<boolean> {
      return signal.aborted || id === "";
    }
    @cached({ files: (path) => path, when: (result, [path]) => result !== path })
    async untyped(path: string): Promise<string> {
      return path;
    }
    @cached({ files: (...paths: string[]) => paths })
    async many(...paths: string[]): Promise<number> {
      return paths.length;
    }
    @cached({
      key: () => "always",
      when: (result: { complete: boolean }, [id]: [number]) => result.complete && id > 0,
    })
    async page(id: number): Promise<{ complete: boolean; rows: number[] }> {
      return { complete: id > 1, rows: [] };
    }
    @cached({ key: (id: number) => id, files: (_id: number, path: string) => path, when: () => true })
    async each(id: number, path: string): Promise<string> {
      return path.repeat(id);
    }
    // @ts-expect-error the method takes a string
    @cached({ key: (id: number) => id })
    async wrongKey(id: string): Promise<string> {
      return id;
    }
    // @ts-expect-error the method has no second parameter
    @cached({ key: (id: string, region: string) => [id, region] })
    async tooMany(id: string): Promise<string> {
      return id;
    }
    // @ts-expect-error a promise cannot be a key
    @cached({ key: async (id: string) => id })
    async promisedKey(id: string): Promise<string> {
      return id;
    }
    // @ts-expect-error a function cannot be a key
    @cached({ key: (transform: (text: string) => string) => transform })
    async functionAsKey(transform: (text: string) => string): Promise<string> {
      return transform("");
    }
    // @ts-expect-error the method takes a string
    @cached({ key: (id: string) => id, files: (id: number) => `${id}` })
    async wrongFiles(id: string): Promise<string> {
      return id;
    }
    // @ts-expect-error the method's result has no such property
    @cached({ when: (result: { complete: boolean }) => result.complete })
    async wrongResult(id: string): Promise<string> {
      return id;
    }
  }
  expectTypeOf<Service>().toBeObject();
});

test("what judges results takes what the method returns; `tags` is asked before there is a result, too", () => {
  interface Page {
    readonly rows: readonly string[];
  }
  class Service {
    @cached({ ttl: (page: Page) => page.rows.length * 1_000, ttlJitter: "10%", refreshAfter: 0.8 })
    async byResult(_id: number): Promise<Page> {
      return { rows: [] };
    }
    @cached({ ttl: (_page, [id]: [number]) => (id > 0 ? "1h" : 0), tags: ["pages"] })
    async byBoth(_id: number): Promise<Page> {
      return { rows: [] };
    }
    @cached({ tags: (page: Page | undefined, [id]: [number]) => [`page:${id}`, ...(page?.rows ?? [])] })
    async tagged(_id: number, _deep?: boolean): Promise<Page> {
      return { rows: [] };
    }
    @cached({ tags: (_, [region]) => [`region:${region}`], when: () => true })
    async untyped(_region: string): Promise<void> {}
    // @ts-expect-error there is no result before the method has run
    @cached({ tags: (page: Page) => page.rows })
    async early(): Promise<Page> {
      return { rows: [] };
    }
    // @ts-expect-error the method takes a number
    @cached({ tags: (_page: unknown, [id]: [string]) => [id] })
    async wrongTags(_id: number): Promise<Page> {
      return { rows: [] };
    }
    // @ts-expect-error the method returns no such thing
    @cached({ ttl: (token: { expiresIn: number }) => token.expiresIn })
    async wrongTtl(): Promise<Page> {
      return { rows: [] };
    }
  }
  // @ts-expect-error a duration is a number or a text with a unit
  expectTypeOf(cached({ ttl: () => "soon" })).toBeFunction();
  expectTypeOf<Service>().toBeObject();
});

test("`warm` gives the arguments of the method", () => {
  class Service {
    @cached({ warm: [["EU", 1], ["US"]] })
    async load(_region: string, _month?: number): Promise<void> {}
    @cached({ warm: () => [["EU"], ["US"]] })
    async given(_region: string): Promise<void> {}
    // @ts-expect-error the method takes a text
    @cached({ warm: [[1]] })
    async wrong(_region: string): Promise<void> {}
    // @ts-expect-error the method takes an argument
    @cached({ warm: [[]] })
    async none(_region: string): Promise<void> {}
  }
  expectTypeOf<Service>().toBeObject();
});

test("every form of `cacheErrors` compiles, and others do not", () => {
  expectTypeOf(cached({ cacheErrors: true })).toBeFunction();
  expectTypeOf(cached({ cacheErrors: "5s" })).toBeFunction();
  expectTypeOf(cached({ cacheErrors: RangeError })).toBeFunction();
  expectTypeOf(cached({ cacheErrors: (error: RangeError) => error.message === "" })).toBeFunction();
  expectTypeOf(cached({ cacheErrors: [404, "ENOENT", RangeError] })).toBeFunction();
  expectTypeOf(cached({ cacheErrors: { when: 404, ttl: "5s" } })).toBeFunction();
  // @ts-expect-error a text is a duration
  expectTypeOf(cached({ cacheErrors: "ENOENT" })).toBeFunction();
});

test("the previous result has the type that it is asked for, and `unchanged` fits every method", () => {
  class Service {
    @cached({ ttl: "5m", grace: "1h" })
    async load(): Promise<Map<string, number>> {
      const previous = previousResult<Map<string, number>>();
      expectTypeOf(previous).toEqualTypeOf<Previous<Map<string, number>> | undefined>();
      if (previous?.etag === "v1") return unchanged();
      return changed(new Map(), { etag: null });
    }
  }
  expectTypeOf<Service["load"]>().returns.resolves.toEqualTypeOf<Map<string, number>>();
});

test("the functions of @cacheEvict and @cachePut fit the method, too", () => {
  interface User {
    readonly id: number;
  }
  class Users {
    @cached()
    async find(id: number): Promise<User> {
      return { id };
    }
    @cacheEvict({ operation: "find", key: (user: User) => [user.id], when: "before" })
    async save(_user: User, _force: boolean): Promise<void> {}
    @cacheEvict({ operation: () => Users.prototype.find, all: true })
    async reset(): Promise<void> {}
    @cacheEvict({ tags: (user: User | undefined) => (user ? [`user:${user.id}`] : []) })
    async take(): Promise<User> {
      return { id: 1 };
    }
    @cachePut({ operation: "find", key: (user: User) => [user.id], ttl: (user: User) => user.id })
    async create(_name: string): Promise<User> {
      return { id: 1 };
    }
    @cachePut({ operation: "find", key: (_user: User, [id]: [number]) => [id], tags: ["users"], grace: "1h" })
    async rename(_id: number, _name: string): Promise<User> {
      return { id: 1 };
    }
    // @ts-expect-error it returns a plain value
    @cacheEvict({ all: true })
    now(): number {
      return 1;
    }
    // @ts-expect-error the method takes a text
    @cacheEvict({ operation: "find", key: (id: number) => [id] })
    async wrongKey(_id: string): Promise<void> {}
    // @ts-expect-error there may be no result
    @cacheEvict({ tags: (user: User) => [`user:${user.id}`] })
    async wrongTags(): Promise<User> {
      return { id: 1 };
    }
    // @ts-expect-error the arguments of the call are an array
    @cacheEvict({ operation: "find", key: (id: number) => id })
    async noArguments(_id: number): Promise<void> {}
    // @ts-expect-error the arguments of the call are an array
    @cachePut({ operation: "find", key: (user: User) => user.id })
    async putNoArguments(): Promise<User> {
      return { id: 1 };
    }
    @cacheEvict({ key: (id: number) => id })
    async byHand(_id: number): Promise<void> {}
    @cachePut({ key: (user: User) => user.id, namespace: "users" })
    async putByHand(): Promise<User> {
      return { id: 1 };
    }
    @cacheEvict({ operation: ["find", () => Users.prototype.find], tags: ["users"], key: (id) => [id] })
    async everywhere(_id: number): Promise<void> {}
    // @ts-expect-error the method returns no user
    @cachePut({ operation: "find", key: (user: User) => [user.id] })
    async wrongResult(): Promise<string> {
      return "";
    }
    // @ts-expect-error it returns an async iterable
    @cachePut({ operation: "find" })
    async *items(): AsyncGenerator<number> {
      yield 1;
    }
  }
  expectTypeOf<Users>().toBeObject();
  // @ts-expect-error `after` or `before`
  expectTypeOf(cacheEvict({ all: true, when: "never" })).toBeFunction();
  // @ts-expect-error it has to name something
  expectTypeOf(cacheEvict()).toBeFunction();
  // @ts-expect-error it has to name something
  expectTypeOf(cacheEvict({})).toBeFunction();
  // @ts-expect-error nor does this
  expectTypeOf(cacheEvict({ all: false, when: "before" })).toBeFunction();
  // @ts-expect-error nothing says which entry
  expectTypeOf(cachePut({ ttl: "5m" })).toBeFunction();
});

test("options that do not exist, or have another type, do not compile", () => {
  // @ts-expect-error no such option
  expectTypeOf(cached({ timeToLive: 5 })).toBeFunction();
  // @ts-expect-error no duration
  expectTypeOf(cached("soon")).toBeFunction();
  // @ts-expect-error paths are texts
  expectTypeOf(cached({ files: () => [1] })).toBeFunction();
});

test("the manager infers what a function makes", () => {
  const manager = {} as CacheManager;
  expectTypeOf(manager.getOrSet("k", async () => new Map([["a", 1]]))).toEqualTypeOf<
    Promise<Map<string, number>>
  >();
  expectTypeOf(manager.getOrSet("k", () => 1, { ttl: "5m" })).toEqualTypeOf<Promise<number>>();
  expectTypeOf(manager.get<Date>("k")).toEqualTypeOf<Promise<Date | undefined>>();
  expectTypeOf(manager.stats()).toEqualTypeOf<Promise<CacheStatistics>>();
});

test("the section has its types in the configuration", () => {
  const config = {} as ConfigManager;
  expectTypeOf(config.get("cache.ttl")).toEqualTypeOf<number>();
  defineConfig({ cache: { ttl: "30m", store: "memory:" }, operations: { "A.*": { cached: "5m" } } });
  // @ts-expect-error a TTL is a length of time
  defineConfig({ cache: { ttl: "long" } });
  // @ts-expect-error an unknown option of @cached
  defineConfig({ operations: { "A.*": { cached: { tll: 1 } } } });
});

test("the manager's options know the value that a function makes", () => {
  const manager = {} as CacheManager;
  expectTypeOf(
    manager.getOrSet("k", async ({ previous, unchanged: same }) => (previous ? same() : { rows: [1] }), {
      ttl: "1m",
    }),
  ).resolves.not.toBeAny();
  expectTypeOf(
    manager.getOrSet("k", async ({ previous, unchanged: same, changed: other }) =>
      previous ? same() : other({ rows: [1] }, { etag: null }),
    ),
  ).resolves.toEqualTypeOf<{ rows: number[] }>();
  expectTypeOf(
    manager.getOrSet("k", ({ previous }): { rows: number[] } => previous?.value ?? { rows: [] }),
  ).resolves.toEqualTypeOf<{ rows: number[] }>();
  expectTypeOf(
    manager.getOrSet<{ rows: number[] }>("k", () => ({ rows: [1] }), {
      ttl: (value) => value.rows.length,
      tags: (value) => (value ? [`rows:${value.rows.length}`] : []),
      when: (value) => value.rows.length > 0,
    }),
  ).resolves.toEqualTypeOf<{ rows: number[] }>();
  expectTypeOf(manager.getMany<number, "a" | "b">(["a", "b"])).resolves.toEqualTypeOf<
    Map<"a" | "b", number>
  >();
  // @ts-expect-error no such option
  void manager.set("k", 1, { softTimeout: 1 });
});
