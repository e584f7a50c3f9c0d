import { defineConfig, type ConfigManager } from "@mlmcp/core";
import { cached, CacheManager, type CacheStatistics } from "@mlmcp/plugin-cache";
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
