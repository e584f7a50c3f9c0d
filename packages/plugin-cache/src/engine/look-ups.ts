import { absent, copyFor } from "./copy-for.js";
import { isServable, type Held } from "./held.js";
import type { Owner } from "./plan.js";
import type { Keeping, Tiers } from "./tiers.js";

/** What there is for a key, fresh, or {@link absent}. */
export async function findOne(tiers: Tiers, text: string, owner: Owner): Promise<unknown> {
  let held = tiers.inMemory(text);
  if (held instanceof Promise) held = await held;
  const inMemory = fresh(held);
  if (inMemory) return answer(inMemory, "memory", owner);
  const key = tiers.behind.keyOf(text);
  if (key === undefined) return answer(undefined, "store", owner);
  const { changes } = tiers;
  const inStore = fresh(await tiers.inStore(key, byHand(owner)));
  if (inStore && tiers.changes === changes) tiers.hold(text, inStore, undefined);
  return answer(inStore, "store", owner);
}

/** What there is for several keys, fresh, or {@link absent}, in their order and in one reading of the store. */
export async function findMany(tiers: Tiers, texts: readonly string[], owner: Owner): Promise<unknown[]> {
  const inMemory = await Promise.all(texts.map(async (text) => fresh(await tiers.inMemory(text))));
  const missing = [...new Set(texts.filter((_, index) => !inMemory[index]))];
  const inStore = await findInStore(tiers, missing, owner);
  return texts.map((text, index) =>
    answer(inMemory[index] ?? inStore.get(text), inMemory[index] ? "memory" : "store", owner),
  );
}

/** The latest value of a key that is not outdated, fresh or stale; `undefined` where there is none. */
export async function lookStale(
  tiers: Tiers,
  text: string,
  owner: Owner,
): Promise<{ readonly value: unknown } | undefined> {
  const key = tiers.behind.keyOf(text);
  const held =
    servable(await tiers.inMemory(text)) ??
    (key === undefined ? undefined : servable(await tiers.inStore(key, byHand(owner))));
  const value = held ? copyFor(owner, held) : absent;
  if (value === absent) return undefined;
  owner.observer.stale("fallback");
  return { value };
}

async function findInStore(
  tiers: Tiers,
  texts: readonly string[],
  owner: Owner,
): Promise<ReadonlyMap<string, Held>> {
  const found = new Map<string, Held>();
  if (texts.length === 0 || !tiers.behind.store) return found;
  const { changes } = tiers;
  const keys = texts.map((text) => tiers.behind.keyOf(text)!);
  for (const [index, stored] of (await tiers.manyInStore(keys, byHand(owner))).entries()) {
    const held = fresh(stored);
    if (!held) continue;
    found.set(texts[index]!, held);
    if (tiers.changes === changes) tiers.hold(texts[index]!, held, undefined);
  }
  return found;
}

function answer(held: Held | undefined, tier: "memory" | "store", owner: Owner): unknown {
  const value = held ? copyFor(owner, held) : absent;
  if (value === absent) owner.observer.miss();
  else owner.observer.hit(tier, held!.cost);
  return value;
}

function fresh(held: Held | undefined): Held | undefined {
  return held && !held.thrown && held.freshUntil > Date.now() ? held : undefined;
}

function servable(held: Held | undefined): Held | undefined {
  return held && isServable(held, Date.now()) ? held : undefined;
}

function byHand(owner: Owner): Keeping {
  return { owner, isolate: true, timing: {} };
}
