import KeyvRedis, { createClient } from "@keyv/redis";
import { Keyv } from "keyv";
import { expect, it } from "vitest";
import { openStore } from "../../../src/stores/open-store.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";

const keys = 1_024;
const calls = 4_000;
const rounds = 21;
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

// The benchmarks ask the cache as applications do. This asks what stands behind its memory, guarded as it is there.
it.skipIf(!hasRedis())(
  "makes nine calls while Keyv with @keyv/redis makes ten, where that tells others of a set too",
  async () => {
    await using server = await RedisServer.start();
    const { url } = server;
    const keyv = new Keyv({ store: new KeyvRedis(url), ttl });
    const [publisher, subscriber] = [createClient({ url }), createClient({ url })];
    await Promise.all([publisher.connect(), subscriber.connect()]);
    await subscriber.subscribe("changes", () => undefined);
    const store = (await openStore(url, "/", { onError: () => undefined }))!;
    await store.changes!.subscribe({ changed: () => undefined, missed: () => undefined });
    const set: Call = (key, at) =>
      store.set(key, {
        operation: "A.b",
        bytes: Buffer.from(JSON.stringify(valueOf(at))),
        expires: Date.now() + ttl,
      });
    const theirSet: Call = (key, at) => keyv.set(key, valueOf(at));
    const pairs: Record<string, readonly [ours: Call, theirs: Call]> = {
      get: [
        async (key) => JSON.parse(Buffer.from((await store.get(key))!.bytes).toString()),
        (key) => keyv.get(key),
      ],
      "set, which tells others": [
        set,
        async (key, at) => {
          await theirSet(key, at);
          await publisher.publish("changes", key);
        },
      ],
      "set, beside one that tells nobody": [set, theirSet],
    };
    for (const call of [set, theirSet]) await timeOf(call);
    const ratios = Object.keys(pairs).map(() => [] as number[]);
    for (let round = 0; round < rounds; round++) {
      for (const [index, [ours, theirs]] of Object.values(pairs).entries()) {
        // Neither is always the one that comes first.
        const before = round % 2 === 0 ? await timeOf(theirs) : undefined;
        const own = await timeOf(ours);
        ratios[index]!.push((before ?? (await timeOf(theirs))) / own);
      }
    }
    const speeds = ratios.map(median);
    console.log(Object.fromEntries(Object.keys(pairs).map((name, index) => [name, speeds[index]])));
    await Promise.all([keyv.disconnect(), publisher.close(), subscriber.close(), store.close()]);
    const [get, told] = speeds as [number, number];
    expect(Math.min(get, told)).toBeGreaterThan(0.9);
  },
  600_000,
);
