import { expect } from "vitest";
import type { Store, StoreLocks } from "../../src/stores/store.js";

type Locking = Store & { readonly locks: StoreLocks };

/** What a store does whose answers may be lost on their way. @param other another process's on the same data */
export async function expectOwnLockEnds(store: Locking, other: Locking): Promise<void> {
  const minute = 60_000;
  const lost = (await store.locks.acquire("own", minute)).lock!;
  const next = (await store.locks.acquire("own", minute)).lock!;
  expect(next.fence).toBeGreaterThan(lost.fence);
  const late = { operation: "A.b", bytes: Buffer.from("late"), expires: Date.now() + minute };
  await store.set("own", { ...late, fence: lost.fence });
  expect(await store.get("own")).toBeUndefined();
  await lost.release();
  expect((await other.locks.acquire("own", minute)).lock).toBeUndefined();
  await next.release();
  expect((await other.locks.acquire("own", minute)).lock).toBeDefined();
}
