import KeyvRedis from "@keyv/redis";
import { cached, default as cachePlugin } from "@mlmcp/plugin-cache";
import { createCache } from "cache-manager";
import { Cacheable } from "cacheable";
import { Keyv } from "keyv";
import type { Case, Contender } from "../harness/case.js";
import { leaveKernel, useKernel } from "./support/kernel.js";
import { startRedis } from "./support/redis.js";
import { TTL_MS, type Delay } from "./support/stored.js";

type Load = (hour: number) => Promise<Delay>;

interface Opened {
  readonly load: Load;
  close(): Promise<unknown>;
}

const REFERENCE = "keyv with @keyv/redis by hand: get, then set";

/** Nothing that takes time, so that the cache's own part is seen. */
async function makeDelay(hour: number): Promise<Delay> {
  return { airport: `K${hour}`, mean: hour + 0.5, hours: [hour, hour % 24, 7, 11, 13, 17, 19, 23] };
}

/** @param open a cache in front of {@link makeDelay} on the Redis of this URL, and nothing else */
function onRedis(name: string, open: (url: string) => Promise<Opened>): Contender {
  return {
    name,
    async setup() {
      const server = await startRedis();
      const { load, close } = await open(server.place);
      let hour = 0;
      return {
        async run(calls) {
          let sum = 0;
          for (let i = 0; i < calls; i += 1) sum += (await load((hour += 1))).mean;
          return sum;
        },
        check: async () => ({ missed: await load(-1), found: await load(-1) }),
        async dispose() {
          await close();
          await server.close();
        },
      };
    },
  };
}

const byHand = onRedis(REFERENCE, async (url) => {
  const keyv = new Keyv<Delay>({ store: new KeyvRedis(url), ttl: TTL_MS });
  return {
    async load(hour) {
      const key = `delays:${hour}`;
      const found = await keyv.get(key);
      if (found) return found;
      const made = await makeDelay(hour);
      await keyv.set(key, made);
      return made;
    },
    close: () => keyv.disconnect(),
  };
});

const decorated = onRedis("@cached", async (store) => {
  await useKernel([cachePlugin], { cache: { store } });
  class Delays {
    @cached(TTL_MS)
    async at(hour: number) {
      return makeDelay(hour);
    }
  }
  const delays = new Delays();
  return { load: (hour) => delays.at(hour), close: async () => leaveKernel() };
});

const managed = onRedis("cache-manager wrap()", async (url) => {
  const cache = createCache({ stores: [new Keyv({ store: new KeyvRedis(url) })], ttl: TTL_MS });
  return {
    load: (hour) => cache.wrap(`delays:${hour}`, () => makeDelay(hour)),
    close: () => cache.disconnect(),
  };
});

const cacheable = onRedis("cacheable getOrSet(), memory in front", async (url) => {
  const cache = new Cacheable({ secondary: new Keyv({ store: new KeyvRedis(url) }), ttl: TTL_MS });
  return {
    load: async (hour) => (await cache.getOrSet(`delays:${hour}`, () => makeDelay(hour)))!,
    close: () => cache.disconnect(),
  };
});

const redisMiss: Case = {
  name: "redis-miss",
  question:
    "What does a caller wait, of whose result neither memory nor a Redis on the same machine has anything? `@cached` also keeps other processes from making it meanwhile, and lets nobody wait until the Redis has taken it.",
  reference: REFERENCE,
  contenders: [byHand, decorated, managed, cacheable],
  waits: true,
  awake: true,
};

export default redisMiss;
