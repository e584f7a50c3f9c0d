import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cacheKey, CacheManager, cachePlugin } from "@mlmcp/plugin-cache";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../temporary.js";
import { list } from "../support/list.js";
import { inMemory } from "./in-memory.js";

class Tenant {
  ran = 0;
  constructor(readonly id: string) {}
  [cacheKey](): string {
    return this.id;
  }
  @cached({ scope: "instance", name: "Tenant.report" })
  async report(month: number): Promise<string> {
    this.ran++;
    return `${this.id} ${month}`;
  }
}

describe("scope", () => {
  it('"class" lets instances share results, "instance" keeps them apart', async () => {
    class Counter {
      constructor(readonly start: number) {}
      @cached()
      async shared(): Promise<number> {
        return this.start;
      }
      @cached({ scope: "instance" })
      async own(step: number): Promise<number> {
        return this.start + step;
      }
    }
    const kernel = await inMemory();
    const [one, two] = [kernel.adopt(new Counter(1)), kernel.adopt(new Counter(2))];
    expect([await one.shared(), await two.shared()]).toEqual([1, 1]);
    expect([await one.own(10), await two.own(10)]).toEqual([11, 12]);
    (one as { start: number }).start = 100;
    expect([await one.own(10), await one.own(20)]).toEqual([11, 120]);
  });

  it('"instance" takes instances of one identity for the same, also in another process', async () => {
    const path = join(temporaryDirectory(), "cache.db");
    const config = { cache: { store: `sqlite://${path}` } } as const;
    {
      await using kernel = await createTestKernel({ plugins: [cachePlugin], config });
      const [one, same, other] = ["a", "a", "b"].map((id) => kernel.adopt(new Tenant(id))) as [
        Tenant,
        Tenant,
        Tenant,
      ];
      expect([await one.report(1), await same.report(1), await other.report(1)]).toEqual([
        "a 1",
        "a 1",
        "b 1",
      ]);
      expect([one.ran, same.ran, other.ran]).toEqual([1, 0, 1]);
    }
    await using kernel = await createTestKernel({ plugins: [cachePlugin], config });
    const again = kernel.adopt(new Tenant("a"));
    expect(await again.report(1)).toBe("a 1");
    expect(again.ran).toBe(0);
  });

  it('"instance" keeps what nobody else can ask for out of the store', async () => {
    class Anonymous {
      @cached({ scope: "instance" })
      async load(): Promise<number> {
        return 1;
      }
    }
    const path = join(temporaryDirectory(), "cache.db");
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: `sqlite://${path}` } },
    });
    const anonymous = kernel.adopt(new Anonymous());
    await anonymous.load();
    const manager = kernel.resolve(CacheManager);
    const entries = await list(manager.entries({ operation: "Anonymous.load" }));
    expect(entries).toMatchObject([{ inMemory: true, bytes: undefined, key: undefined }]);
  });

  it("an identity that cannot be a key is an error that names the class", async () => {
    class Odd {
      [cacheKey](): unknown {
        return () => 1;
      }
      @cached({ scope: "instance" })
      async load(): Promise<void> {}
    }
    const kernel = await inMemory();
    await expect(kernel.adopt(new Odd()).load()).rejects.toMatchObject({
      code: "MLMCP_CACHE_KEY",
      message: expect.stringContaining(
        "Odd.load cannot be cached by instance: the [cacheKey] of Odd gave no key.",
      ) as string,
    });
  });

  it("works with `key` and `files`", async () => {
    const path = join(temporaryDirectory(), "data.csv");
    writeFileSync(path, "1");
    class Reader {
      ran = 0;
      constructor(readonly name: string) {}
      @cached({ scope: "instance", key: () => "all", files: (file: string) => file })
      async read(_file: string): Promise<string> {
        this.ran++;
        return this.name;
      }
    }
    const kernel = await inMemory();
    const [one, two] = [kernel.adopt(new Reader("one")), kernel.adopt(new Reader("two"))];
    expect([await one.read(path), await two.read(path), await one.read(path)]).toEqual(["one", "two", "one"]);
    expect([one.ran, two.ran]).toEqual([1, 1]);
  });
});
