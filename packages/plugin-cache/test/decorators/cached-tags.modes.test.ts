import { cached, CacheManager } from "@mlmcp/plugin-cache";
import { describe, expect, it } from "vitest";
import { collect, gate, inMemory } from "./in-memory.js";

describe("tags", () => {
  it("fixed ones make all results of several methods outdated together", async () => {
    class Shop {
      ran: string[] = [];
      @cached({ tags: ["prices", "catalogue"] })
      async price(item: string): Promise<number> {
        this.ran.push(`price ${item}`);
        return 1;
      }
      @cached({ tags: ["catalogue"] })
      async items(): Promise<string[]> {
        this.ran.push("items");
        return ["a", "b"];
      }
    }
    const kernel = await inMemory();
    const manager = kernel.resolve(CacheManager);
    const shop = kernel.adopt(new Shop());
    const all = async (): Promise<string[]> => {
      shop.ran = [];
      await Promise.all([shop.price("a"), shop.price("b"), shop.items()]);
      return shop.ran;
    };
    await all();
    await manager.invalidateTags(["prices"]);
    expect(await all()).toEqual(["price a", "price b"]);
    await manager.invalidateTags(["catalogue", "unknown"]);
    expect(await all()).toEqual(["price a", "price b", "items"]);
    expect(await all()).toEqual([]);
  });

  it("come from the arguments and from the result", async () => {
    interface Page {
      readonly rows: readonly { readonly id: number }[];
    }
    class Pages {
      ran: number[] = [];
      @cached({
        tags: (page: Page | undefined, [number]: [number]) => [
          `page:${number}`,
          ...(page?.rows.map(({ id }) => `row:${id}`) ?? []),
        ],
      })
      async load(number: number): Promise<Page> {
        this.ran.push(number);
        return { rows: [{ id: number * 10 }, { id: number * 10 + 1 }] };
      }
    }
    const kernel = await inMemory();
    const manager = kernel.resolve(CacheManager);
    const pages = kernel.adopt(new Pages());
    const all = async (): Promise<number[]> => {
      pages.ran = [];
      await Promise.all([pages.load(1), pages.load(2)]);
      return pages.ran;
    };
    await all();
    await manager.invalidateTags(["row:21"]);
    expect(await all()).toEqual([2]);
    await manager.invalidateTags(["page:1"]);
    expect(await all()).toEqual([1]);
  });

  it("of the arguments reach what is under way, and errors that are kept", async () => {
    const doors = [gate<string>(), gate<string>()];
    class Users {
      ran = 0;
      @cached({ cacheErrors: true, tags: (_, [id]: [number]) => [`user:${id}`], name: "Users.tagged" })
      async find(_id: number): Promise<string> {
        return doors[this.ran++]!.promise;
      }
    }
    const kernel = await inMemory();
    const manager = kernel.resolve(CacheManager);
    const users = kernel.adopt(new Users());
    const before = users.find(7).catch((error: unknown) => String(error));
    await manager.invalidateTags(["user:7"]);
    const after = users.find(7);
    doors[0]!.slam(new Error("no such user"));
    doors[1]!.open("Ada");
    expect([await before, await after, await users.find(7)]).toEqual(["Error: no such user", "Ada", "Ada"]);
    expect(users.ran).toBe(2);

    class Missing {
      ran = 0;
      @cached({ cacheErrors: true, tags: (_, [id]: [number]) => [`user:${id}`] })
      async find(_id: number): Promise<string> {
        if (this.ran++ === 0) throw new Error("no such user");
        return "Ada";
      }
    }
    const missing = kernel.adopt(new Missing());
    await expect(missing.find(8)).rejects.toThrow("no such user");
    await expect(missing.find(8)).rejects.toThrow("no such user");
    await manager.invalidateTags(["user:8"]);
    expect(await missing.find(8)).toBe("Ada");
  });

  it("that are no texts keep nothing, fail no call, and an event says what they were", async () => {
    class Wrong {
      ran = 0;
      @cached({ tags: (result: unknown) => (result === undefined ? [] : [7 as unknown as string]) })
      async load(): Promise<number> {
        return ++this.ran;
      }
      @cached({
        tags: () => {
          throw new TypeError("no tags");
        },
      })
      async fails(): Promise<number> {
        return ++this.ran;
      }
    }
    const kernel = await inMemory();
    const events = collect("cache:error");
    const wrong = kernel.adopt(new Wrong());
    expect([await wrong.load(), await wrong.load()]).toEqual([1, 2]);
    expect([await wrong.fails(), await wrong.fails()]).toEqual([3, 4]);
    const wrongTags =
      'ConfigurationError: The `tags` of @cached on Wrong.load gave an array with 7. Return an array of texts such as ["users"].';
    expect(new Set(events.map(({ action }) => action))).toEqual(new Set(["when"]));
    // Where it throws before the method runs too, each call tells twice.
    expect(events.map(({ error }) => String(error))).toEqual([
      wrongTags,
      wrongTags,
      "TypeError: no tags",
      "TypeError: no tags",
      "TypeError: no tags",
      "TypeError: no tags",
    ]);
  });
});
