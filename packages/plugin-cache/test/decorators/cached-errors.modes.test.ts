import { chaos, ChaosSource, CircuitOpenError, degrade, retry } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin, type CacheErrors } from "@mlmcp/plugin-cache";
import { describe, expect, it } from "vitest";
import { collect, gate, inMemory, stopTime } from "./in-memory.js";

class NotFound extends Error {
  readonly status = 404;
}

describe("cacheErrors", () => {
  it("keeps no error by default", async () => {
    class Users {
      ran = 0;
      @cached("1m")
      async find(_id: number): Promise<never> {
        this.ran++;
        throw new NotFound("no such user");
      }
    }
    const kernel = await inMemory();
    const users = kernel.adopt(new Users());
    await users.find(7).catch(() => undefined);
    await users.find(7).catch(() => undefined);
    expect(users.ran).toBe(2);
  });

  it("gives a kept error again, each taker a copy, for as long as results", async () => {
    class Users {
      ran = 0;
      @cached({ ttl: "1m", cacheErrors: true })
      async find(id: number): Promise<never> {
        this.ran++;
        throw Object.assign(new RangeError(`no user ${id}`), { id });
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const users = kernel.adopt(new Users());
    const first = await users.find(7).catch((error: unknown) => error);
    const second = await users.find(7).catch((error: unknown) => error);
    expect(second).toBeInstanceOf(RangeError);
    expect(second).toMatchObject({ message: "no user 7", id: 7 });
    expect(second).not.toBe(first);
    await pass(59_999);
    await users.find(7).catch(() => undefined);
    expect(users.ran).toBe(1);
    await pass(1);
    await users.find(7).catch(() => undefined);
    expect(users.ran).toBe(2);
  });

  it("runs once for callers that come while it runs, and gives all of them the error", async () => {
    const door = gate();
    class Users {
      ran = 0;
      @cached({ ttl: "1m", cacheErrors: true })
      async find(): Promise<never> {
        this.ran++;
        await door.promise;
        throw new Error("none");
      }
    }
    const kernel = await inMemory();
    const users = kernel.adopt(new Users());
    const settled = Promise.allSettled(Array.from({ length: 10 }, () => users.find()));
    door.open();
    expect((await settled).map(({ status }) => status)).toEqual(Array(10).fill("rejected"));
    await users.find().catch(() => undefined);
    expect(users.ran).toBe(1);
  });

  const forms: [string, CacheErrors, expected: { status: boolean; code: boolean; other: boolean }][] = [
    ["a class", NotFound, { status: true, code: false, other: false }],
    [
      "a predicate",
      (error: unknown) => error instanceof NotFound,
      { status: true, code: false, other: false },
    ],
    ["conditions", [404, "ENOENT"], { status: true, code: true, other: false }],
    ["a duration", "10s", { status: true, code: true, other: true }],
    ["a condition and a duration", { when: 404, ttl: "10s" }, { status: true, code: false, other: false }],
    ["nothing", false, { status: false, code: false, other: false }],
  ];
  it.each(forms)("takes %s", async (_, cacheErrors, expected) => {
    const errors = {
      status: new NotFound("none"),
      code: Object.assign(new Error("no file"), { code: "ENOENT" }),
      other: new Error("what"),
    };
    class Files {
      ran: string[] = [];
      @cached({ ttl: "1m", cacheErrors, name: "Files.read" })
      async read(which: keyof typeof errors): Promise<never> {
        this.ran.push(which);
        throw errors[which];
      }
    }
    const kernel = await inMemory();
    const files = kernel.adopt(new Files());
    for (const which of ["status", "code", "other"] as const) {
      await files.read(which).catch(() => undefined);
      await files.read(which).catch(() => undefined);
    }
    const kept = (which: string): boolean => files.ran.filter((ran) => ran === which).length === 1;
    expect({ status: kept("status"), code: kept("code"), other: kept("other") }).toEqual(expected);
  });

  it("keeps errors for a time of their own", async () => {
    class Users {
      ran = 0;
      @cached({ ttl: "1m", cacheErrors: { ttl: "5s" } })
      async find(): Promise<never> {
        this.ran++;
        throw new NotFound("none");
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const users = kernel.adopt(new Users());
    await users.find().catch(() => undefined);
    await pass(4_999);
    await users.find().catch(() => undefined);
    expect(users.ran).toBe(1);
    await pass(1);
    await users.find().catch(() => undefined);
    expect(users.ran).toBe(2);
  });

  it("keeps nothing of what turned a call away: it says nothing about what was asked for", async () => {
    class Guarded {
      ran = 0;
      @cached({ ttl: "1m", cacheErrors: true, when: () => true })
      @degrade({ breaker: { failureThreshold: 1, resetAfter: "1s" } })
      async load(id: number): Promise<number> {
        if (++this.ran === 1) throw new Error("down");
        return id;
      }
    }
    const kernel = await inMemory();
    const pass = stopTime();
    const guarded = kernel.adopt(new Guarded());
    await expect(guarded.load(1)).rejects.toThrow("down");
    await expect(guarded.load(2)).rejects.toBeInstanceOf(CircuitOpenError);
    await pass(1_000);
    expect(await guarded.load(2)).toBe(2);
    await expect(guarded.load(1)).rejects.toThrow("down");
  });

  it("keeps nothing of a call that was given up", async () => {
    class Slow {
      ran = 0;
      @cached({ ttl: "1m", cacheErrors: true })
      async load(): Promise<number> {
        if (++this.ran === 1) throw new DOMException("given up", "AbortError");
        return this.ran;
      }
    }
    const kernel = await inMemory();
    const slow = kernel.adopt(new Slow());
    await expect(slow.load()).rejects.toThrow("given up");
    expect(await slow.load()).toBe(2);
  });

  it("never keeps an error of @chaos, also after a retry", async () => {
    let drawn = 0;
    class Rates {
      @cached({ ttl: "1h", cacheErrors: true })
      @retry({ maxRetries: 1, initialDelay: 0 })
      @chaos({ errorRate: 0.5, error: () => new NotFound("made up") })
      async load(): Promise<string> {
        return "right";
      }
    }
    await using kernel = await createTestKernel({
      plugins: [cachePlugin],
      config: { cache: { store: "memory:" }, system: { chaos: true } },
      services: [[ChaosSource, { random: () => drawn }]],
    });
    const rates = kernel.adopt(new Rates());
    await expect(rates.load()).rejects.toThrow("made up");
    drawn = 0.9;
    expect(await rates.load()).toBe("right");
  });

  it("fails no call where a condition throws, and keeps nothing", async () => {
    class Users {
      ran = 0;
      @cached({
        cacheErrors: () => {
          throw new TypeError("unsure");
        },
      })
      async find(): Promise<never> {
        this.ran++;
        throw new NotFound("none");
      }
    }
    const kernel = await inMemory();
    const events = collect("cache:error");
    const users = kernel.adopt(new Users());
    await expect(users.find()).rejects.toThrow("none");
    await expect(users.find()).rejects.toThrow("none");
    expect(users.ran).toBe(2);
    expect(events.map(({ action, error }) => [action, String(error)])).toEqual([
      ["when", "TypeError: unsure"],
      ["when", "TypeError: unsure"],
    ]);
  });
});
