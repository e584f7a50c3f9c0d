import KeyvRedis, { createClient } from "@keyv/redis";
import { Keyv } from "keyv";
import { locate } from "../../../src/stores/location.js";
import { openStore } from "../../../src/stores/open-store.js";
import { RedisStore } from "../../../src/stores/redis/redis-store.js";
import type { Store, StoredEntry } from "../../../src/stores/store.js";

/** Prints how many calls stores make while Keyv with @keyv/redis makes one, on the Redis of a URL. */

const keys = 1_024;
const calls = 1_024;
const rounds = 41;
const ttl = 3_600_000;

type Call = (key: string, at: number) => Promise<unknown>;

const valueOf = (at: number) => ({
  airport: `K${at % keys}`,
  mean: at + 0.5,
  hours: [at, 7, 11, 13, 17, 19],
});

/** Milliseconds of many calls, one after another. */
async function timeOf(call: Call): Promise<number> {
  const begun = performance.now();
  for (let at = 0; at < calls; at++) await call(`k${at % keys}`, at);
  return performance.now() - begun;
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

/** The calls of one store, each of which does what Keyv does in `theirs`. */
function callsOn(store: Store): Record<"get" | "set" | "fenced", Call> {
  const entryOf = (at: number): StoredEntry => ({
    operation: "A.b",
    bytes: Buffer.from(JSON.stringify(valueOf(at))),
    expires: Date.now() + ttl,
  });
  return {
    get: async (key) => JSON.parse(Buffer.from((await store.get(key))!.bytes).toString()),
    set: (key, at) => store.set(key, entryOf(at)),
    fenced: (key, at) => store.set(key, { ...entryOf(at), fence: fences[at % keys]! }),
  };
}

/** Of the locks of all keys. */
let fences: number[] = [];

async function lockAll({ locks }: Store): Promise<void> {
  fences = [];
  for (let at = 0; at < keys; at++) fences.push((await locks!.acquire(`k${at}`, ttl)).lock!.fence);
}

const url = process.argv[2]!;
const keyv = new Keyv({ store: new KeyvRedis(url), ttl });
const [publisher, subscriber] = [createClient({ url }), createClient({ url })];
await Promise.all([publisher.connect(), subscriber.connect()]);
await subscriber.subscribe("changes", () => undefined);
const alone = await RedisStore.open(locate(url)!, { prefix: "alone" });
const guarded = (await openStore(url, "/", { onError: () => undefined }, { prefix: "guarded" }))!;
for (const store of [alone, guarded])
  await store.changes!.subscribe({ changed: () => undefined, missed: () => undefined });
const theirs = {
  get: (key) => keyv.get(key),
  set: (key, at) => keyv.set(key, valueOf(at)),
  "set and publish": async (key, at) => {
    await keyv.set(key, valueOf(at));
    await publisher.publish("changes", key);
  },
} satisfies Record<string, Call>;
const pairs = [alone, guarded].flatMap((store) => {
  const name = store === alone ? "alone" : "guarded";
  const { get, set, fenced } = callsOn(store);
  return [
    { what: `${name}: get`, own: get, other: theirs.get },
    { what: `${name}: set by hand, beside one that tells nobody`, own: set, other: theirs.set },
    { what: `${name}: set by hand, beside set and publish`, own: set, other: theirs["set and publish"] },
    { what: `${name}: set under a lock`, own: fenced, other: theirs.set, prepare: () => lockAll(store) },
  ];
});
const speeds: Record<string, number[]> = {};
for (const call of [theirs.set, callsOn(alone).set, callsOn(guarded).set]) await timeOf(call);
for (let round = 0; round < rounds; round++) {
  for (const { what, own, other, prepare } of pairs) {
    await prepare?.();
    // Neither is always the one that comes first.
    const before = round % 2 === 0 ? await timeOf(other) : undefined;
    const ours = await timeOf(own);
    (speeds[what] ??= []).push((before ?? (await timeOf(other))) / ours);
  }
}
const medians = Object.fromEntries(Object.entries(speeds).map(([what, all]) => [what, median(all)]));
process.stdout.write(JSON.stringify(medians));
await Promise.all([keyv.disconnect(), publisher.close(), subscriber.close(), alone.close(), guarded.close()]);
