import KeyvRedis from "@keyv/redis";
import { Keyv } from "keyv";
import { expect, it } from "vitest";
import { openStore } from "../../../src/stores/open-store.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";

const keys = 1_024;
const calls = 4_000;
const rounds = 21;
const ttl = 3_600_000;

interface Contender {
  get(key: string): Promise<unknown>;
  set(key: string, at: number): Promise<unknown>;
}

const valueOf = (at: number) => ({
  airport: `K${at % keys}`,
  mean: at + 0.5,
  hours: [at, 7, 11, 13, 17, 19],
});

/** Microseconds of a call, one after another. */
async function timeOf(call: (at: number) => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  for (let at = 0; at < calls; at++) await call(at);
  return ((performance.now() - begun) / calls) * 1_000;
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

// The benchmarks ask the cache as applications do. This asks what stands behind its memory, guarded as it is there.
it.skipIf(!hasRedis())(
  "answers nine times while Keyv with @keyv/redis does ten times, and says how much longer it takes to tell others",
  async () => {
    await using server = await RedisServer.start();
    const keyv = new Keyv({ store: new KeyvRedis(server.url), ttl });
    const store = (await openStore(server.url, "/", { onError: () => undefined }))!;
    const ours: Contender = {
      get: async (key) => JSON.parse(Buffer.from((await store.get(key))!.bytes).toString()),
      set: (key, at) =>
        store.set(key, {
          operation: "A.b",
          bytes: Buffer.from(JSON.stringify(valueOf(at))),
          expires: Date.now() + ttl,
        }),
    };
    const theirs: Contender = {
      get: (key) => keyv.get(key),
      set: (key, at) => keyv.set(key, valueOf(at)),
    };
    const ratios = { set: [] as number[], get: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      for (const how of ["set", "get"] as const) {
        const [their, our] = [theirs, ours].map((one) => () => timeOf((at) => one[how](`k${at % keys}`, at)));
        // Neither is always the one that comes first.
        const first = round % 2 === 0 ? await their!() : undefined;
        const own = await our!();
        ratios[how].push((first ?? (await their!())) / own);
      }
    }
    const speed = { set: median(ratios.set), get: median(ratios.get) };
    console.log({ unit: "calls while Keyv with @keyv/redis makes one", ...speed });
    await Promise.all([keyv.disconnect(), store.close()]);
    // A set by hand also tells other processes, which is what it takes longer.
    expect(speed.get).toBeGreaterThan(0.9);
  },
  600_000,
);
