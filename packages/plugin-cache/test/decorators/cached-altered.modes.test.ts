import { currentOperation, ConfigurationError } from "@mlmcp/core";
import { cached, cacheKey, CacheManager } from "@mlmcp/plugin-cache";
import { describe, expect, it } from "vitest";
import { collect, gate, inMemory } from "./in-memory.js";

interface Query {
  id: number;
  limit?: number;
}

describe("arguments that are changed while the method runs", () => {
  it("give their result to who waits for it, and it is not kept under the key of the former ones", async () => {
    const { promise, open } = gate();
    class Users {
      ran = 0;
      @cached()
      async find(query: Query): Promise<string> {
        this.ran++;
        await promise;
        return `user ${query.id}`;
      }
    }
    const users = (await inMemory()).adopt(new Users());
    const errors = collect("cache:error");
    const query = { id: 1 };
    const calls = [users.find(query), users.find(query)];
    query.id = 2;
    open();
    expect(await Promise.all(calls)).toEqual(["user 2", "user 2"]);
    expect(await users.find({ id: 1 })).toBe("user 1");
    expect(await users.find({ id: 1 })).toBe("user 1");
    expect(users.ran).toBe(2);
    expect(errors).toMatchObject([
      { action: "key", operation: "Users.find", error: { code: "MLMCP_CACHE_ALTERED" } },
    ]);
    expect(errors[0]!.error).toBeInstanceOf(ConfigurationError);
  });

  it("are told of once where the method changes them each time", async () => {
    class Users {
      ran = 0;
      @cached({ cacheErrors: true })
      async find(query: Query): Promise<number> {
        this.ran++;
        query.limit ??= 10;
        if (query.id === 0) throw new RangeError("0");
        return query.limit;
      }
    }
    const users = (await inMemory()).adopt(new Users());
    const errors = collect("cache:error");
    expect([await users.find({ id: 1 }), await users.find({ id: 1 })]).toEqual([10, 10]);
    await expect(users.find({ id: 0 })).rejects.toThrow("0");
    await expect(users.find({ id: 0 })).rejects.toThrow("0");
    expect(users.ran).toBe(4);
    expect(errors.length).toBe(1);
    const full = { id: 1, limit: 5 };
    expect([await users.find(full), await users.find(full)]).toEqual([5, 5]);
    expect(users.ran).toBe(5);
  });

  it("are told by a `key`, by a [cacheKey] and by the object of the call as well", async () => {
    class Customer {
      constructor(public id: number) {}
      [cacheKey]() {
        return this.id;
      }
    }
    class Shop {
      ran = 0;
      constructor(public id: number) {}
      [cacheKey]() {
        return this.id;
      }
      @cached({ key: (query: Query) => query.id })
      async byKey(query: Query): Promise<number> {
        this.ran++;
        return ++query.id;
      }
      @cached()
      async byIdentity(customer: Customer): Promise<number> {
        this.ran++;
        return ++customer.id;
      }
      @cached({ scope: "instance" })
      async byInstance(): Promise<number> {
        this.ran++;
        return ++this.id;
      }
    }
    const kernel = await inMemory();
    const shop = kernel.adopt(new Shop(1));
    for (const round of [1, 2]) {
      expect(await shop.byKey({ id: 1 })).toBe(2);
      expect(await shop.byIdentity(new Customer(1))).toBe(2);
      expect(await kernel.adopt(new Shop(1)).byInstance()).toBe(2);
      expect(shop.ran).toBe(2 * round);
    }
  });

  it("are made a key again in the context of the call, and not at all where nobody can change them", async () => {
    let made = 0;
    class Tenants {
      ran = 0;
      @cached({ key: (query: Query) => [query.id, currentOperation()?.correlationId] })
      async find(query: Query): Promise<number> {
        return query.id + this.ran++;
      }
      @cached({ key: (id: number) => [id, made++] })
      async plain(id: number): Promise<number> {
        return id;
      }
    }
    const kernel = await inMemory({ system: { context: true } });
    const tenants = kernel.adopt(new Tenants());
    const errors = collect("cache:error");
    const asked = { correlationId: "a" };
    await kernel.withContext(asked, () => tenants.find({ id: 1 }));
    await kernel.withContext(asked, () => tenants.find({ id: 1 }));
    expect(tenants.ran).toBe(1);
    await tenants.plain(1);
    expect(made).toBe(1);
    expect(errors).toEqual([]);
  });

  it("may be regular expressions that the method searches with", async () => {
    class Texts {
      ran = 0;
      @cached()
      async first(text: string, word: RegExp): Promise<string | undefined> {
        this.ran++;
        await Promise.resolve();
        return word.exec(text)?.[0];
      }
    }
    const texts = (await inMemory()).adopt(new Texts());
    const errors = collect("cache:error");
    const word = /\w+/g;
    expect(await texts.first("one two", word)).toBe("one");
    // It goes on from where it is, which is another call.
    expect(await texts.first("one two", word)).toBe("two");
    expect(await texts.first("one two", /\w+/g)).toBe("one");
    expect(texts.ran).toBe(2);
    expect(errors).toEqual([]);
  });

  it("are said to be transferred where their bytes have gone elsewhere", async () => {
    class Sums {
      @cached()
      async of(bytes: Uint8Array): Promise<number> {
        const own = structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
        return own.reduce((sum, one) => sum + one, 0);
      }
    }
    const sums = (await inMemory()).adopt(new Sums());
    const errors = collect("cache:error");
    const bytes = new Uint8Array([1, 2]);
    expect(await sums.of(bytes)).toBe(3);
    expect(String(errors[0]!.error)).toMatch(
      /argument 1 is an instance of Uint8Array whose bytes were transferred, so that it has none any more/,
    );
    expect(errors).toMatchObject([{ error: { code: "MLMCP_CACHE_ALTERED" } }]);
    await expect(sums.of(bytes)).rejects.toMatchObject({
      code: "MLMCP_CACHE_KEY",
      message: expect.stringContaining("whose bytes were transferred"),
    });
    await expect(sums.of(bytes.buffer as never)).rejects.toMatchObject({
      message: expect.stringContaining("an instance of ArrayBuffer whose bytes were transferred"),
    });
    const view = new DataView(new ArrayBuffer(2));
    structuredClone(view, { transfer: [view.buffer] });
    await expect(sums.of(view as never)).rejects.toMatchObject({
      message: expect.stringContaining("an instance of DataView whose bytes were transferred"),
    });
  });

  it("are those of `getOrSet` too", async () => {
    const manager = (await inMemory()).resolve(CacheManager);
    const errors = collect("cache:error");
    const key = { day: 1 };
    expect(await manager.getOrSet(key, () => `day ${++key.day}`)).toBe("day 2");
    expect(await manager.get({ day: 1 })).toBeUndefined();
    expect(errors.map(({ action }) => action)).toEqual(["key"]);
  });
});
