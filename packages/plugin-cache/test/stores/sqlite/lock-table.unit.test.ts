import { rmSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { freshPath, openStore } from "./opening.js";

afterEach(() => void vi.useRealTimers());

describe("locks of the SQLite store", () => {
  it("are had by one at a time, with ever greater fences", async () => {
    const file = freshPath();
    const [one, other] = [await openStore(file), await openStore(file)];
    const first = (await one.locks.acquire("k", 10_000)).lock;
    expect((await other.locks.acquire("k", 10_000)).lock).toBeUndefined();
    expect((await one.locks.acquire("k", 10_000)).lock).toBeUndefined();
    await first!.release();
    const second = (await other.locks.acquire("k", 10_000)).lock;
    expect(second!.fence).toBeGreaterThan(first!.fence);
    // Lost already: it is not the second's.
    await first!.release();
    expect((await one.locks.acquire("k", 10_000)).lock).toBeUndefined();
    expect(await first!.extend(10_000)).toBe(false);
  });

  it("of one key go to the first of those who ask at once", async () => {
    const file = freshPath();
    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(file)));
    const asked = stores.flatMap((store) =>
      Array.from({ length: 20 }, () => store.locks.acquire("k", 10_000)),
    );
    expect((await Promise.all(asked)).filter(({ lock }) => lock !== undefined)).toHaveLength(1);
  });

  it("of different keys do not meet", async () => {
    const store = await openStore();
    const acquired = await Promise.all(
      Array.from({ length: 100 }, (_, at) => store.locks.acquire(`k${at}`, 10_000)),
    );
    expect(new Set(acquired.map(({ lock }) => lock!.fence)).size).toBe(100);
    await Promise.all(acquired.map(({ lock }) => lock!.release()));
    expect((await store.locks.acquire("k7", 10_000)).lock).toBeDefined();
  });

  it("end with their time, unless they are extended", async () => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    const file = freshPath();
    const [one, other] = [await openStore(file), await openStore(file)];
    const first = (await one.locks.acquire("k", 1_000)).lock!;
    vi.setSystemTime(Date.now() + 900);
    expect(await first.extend(1_000)).toBe(true);
    vi.setSystemTime(Date.now() + 900);
    expect((await other.locks.acquire("k", 1_000)).lock).toBeUndefined();
    vi.setSystemTime(Date.now() + 200);
    const second = (await other.locks.acquire("k", 1_000)).lock!;
    expect(second.fence).toBeGreaterThan(first.fence);
    expect(await first.extend(1_000)).toBe(false);
  });

  it("have greater fences after the file was lost and made anew", async () => {
    const file = freshPath();
    const store = await openStore(file);
    const { fence } = (await store.locks.acquire("k", 1_000)).lock!;
    await store.close();
    rmSync(file);
    expect((await (await openStore(file)).locks.acquire("k", 1_000)).lock!.fence).toBeGreaterThan(fence);
  });
});
