import { cached, default as cachePlugin } from "@mlmcp/plugin-cache";
import { Cacheable as TypeCacheable } from "@type-cacheable/core";
import { useAdapter } from "@type-cacheable/lru-cache-adapter";
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { createCache } from "cache-manager";
import { Cacheable } from "cacheable";
import { LRUCache } from "lru-cache";
import pMemoize from "p-memoize";
import type { Case, Contender, Subject } from "../harness/case.js";
import { leaveKernel, useKernel } from "./support/kernel.js";

const TTL_MS = 3_600_000;
const MAX_ENTRIES = 1_000;
/** As many different calls take turns. A power of two. */
const KEYS = 64;

interface Delay {
  readonly airport: string;
  readonly mean: number;
}

type Load = (airport: string, hour: number) => Promise<Delay>;

/** The work that is cached, and how often it was done. */
function createSource() {
  const source = {
    runs: 0,
    load: async (airport: string, hour: number): Promise<Delay> => {
      source.runs += 1;
      return { airport, mean: hour + 0.5 };
    },
  };
  return source;
}

/** Of three calls, two with equal arguments, two reach the source; all get their value. */
async function hits(load: Load, source: { runs: number }) {
  const before = source.runs;
  const values = [await load("check", 1), await load("check", 1), await load("check", 2)];
  return { values, runs: source.runs - before };
}

const bare: Contender = {
  name: "bare call, nothing cached",
  partial: true,
  setup() {
    const source = createSource();
    const { load } = source;
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += (await load("SFO", i & (KEYS - 1))).mean;
        return sum;
      },
      async check() {
        const { values } = await hits(load, source);
        return { values };
      },
    };
  },
};

const byHand: Contender = {
  name: "lru-cache by hand, key by JSON.stringify",
  setup() {
    const source = createSource();
    const cache = new LRUCache<string, Delay>({ max: MAX_ENTRIES, ttl: TTL_MS });
    const load: Load = async (...args) => {
      const key = JSON.stringify(args);
      const found = cache.get(key);
      if (found !== undefined) return found;
      const value = await source.load(...args);
      cache.set(key, value);
      return value;
    };
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += (await load("SFO", i & (KEYS - 1))).mean;
        return sum;
      },
      check: () => hits(load, source),
    };
  },
};

const config = { cache: { store: "memory:", maxEntries: MAX_ENTRIES } };

const decorated: Contender = {
  name: "@cached",
  async setup() {
    await useKernel([cachePlugin], config);
    const source = createSource();
    class Delays {
      @cached(TTL_MS)
      async load(airport: string, hour: number) {
        return source.load(airport, hour);
      }
    }
    const delays = new Delays();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += (await delays.load("SFO", i & (KEYS - 1))).mean;
        return sum;
      },
      check: () => hits((airport, hour) => delays.load(airport, hour), source),
      dispose: leaveKernel,
    };
  },
};

const shared: Contender = {
  name: "@cached, isolate: false",
  async setup() {
    await useKernel([cachePlugin], config);
    const source = createSource();
    class SharedDelays {
      @cached({ ttl: TTL_MS, isolate: false })
      async load(airport: string, hour: number) {
        return source.load(airport, hour);
      }
    }
    const delays = new SharedDelays();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += (await delays.load("SFO", i & (KEYS - 1))).mean;
        return sum;
      },
      check: () => hits((airport, hour) => delays.load(airport, hour), source),
      dispose: leaveKernel,
    };
  },
};

const memoized: Contender = {
  name: "p-memoize, key by JSON.stringify",
  setup() {
    const source = createSource();
    const load = pMemoize(source.load, { cacheKey: JSON.stringify });
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += (await load("SFO", i & (KEYS - 1))).mean;
        return sum;
      },
      check: () => hits(load, source),
    };
  },
};

const cacheManager: Contender = {
  name: "cache-manager wrap()",
  setup() {
    const source = createSource();
    const cache = createCache({ ttl: TTL_MS });
    const load: Load = (...args) => cache.wrap(JSON.stringify(args), () => source.load(...args));
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += (await load("SFO", i & (KEYS - 1))).mean;
        return sum;
      },
      check: () => hits(load, source),
      dispose: () => cache.disconnect(),
    };
  },
};

const BENTO = "bentocache getOrSet()";
const BENTO_SHARED = `${BENTO}, serialize: false`;

const bento = (name: string, serialize: boolean): Contender => ({
  name,
  setup(): Subject {
    const source = createSource();
    const cache = new BentoCache({
      default: "memory",
      ttl: TTL_MS,
      stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: MAX_ENTRIES, serialize })) },
    });
    const load: Load = (...args) =>
      cache.getOrSet({ key: JSON.stringify(args), factory: () => source.load(...args) });
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += (await load("SFO", i & (KEYS - 1))).mean;
        return sum;
      },
      check: () => hits(load, source),
      dispose: () => cache.disconnectAll(),
    };
  },
});

const cacheable: Contender = {
  name: "cacheable getOrSet()",
  setup() {
    const source = createSource();
    const cache = new Cacheable({ ttl: TTL_MS });
    const load: Load = async (...args) =>
      (await cache.getOrSet(JSON.stringify(args), () => source.load(...args))) as Delay;
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += (await load("SFO", i & (KEYS - 1))).mean;
        return sum;
      },
      check: () => hits(load, source),
      dispose: () => cache.disconnect(),
    };
  },
};

const typeCacheable: Contender = {
  name: "@type-cacheable",
  setup() {
    const source = createSource();
    // The types of lru-cache for require, which the adapter refers to, are others than those for import.
    const client = useAdapter(new LRUCache({ max: MAX_ENTRIES }) as never);
    class Delays {
      async load(airport: string, hour: number) {
        return source.load(airport, hour);
      }
    }
    // By hand, since it knows no standard decorators.
    const descriptor = Object.getOwnPropertyDescriptor(Delays.prototype, "load")!;
    const decorate = TypeCacheable({ client, ttlSeconds: TTL_MS / 1000 });
    Object.defineProperty(Delays.prototype, "load", decorate(Delays.prototype, "load", descriptor));
    const delays = new Delays();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += (await delays.load("SFO", i & (KEYS - 1))).mean;
        return sum;
      },
      check: () => hits((airport, hour) => delays.load(airport, hour), source),
    };
  },
};

const cachedCase: Case = {
  name: "cached",
  question:
    "What does an answer from memory cost? A small object, 64 keys in turn. `@cached` and bentocache give each caller a copy, unless told not to; the others give all the same object.",
  reference: "@cached",
  contenders: [
    bare,
    byHand,
    decorated,
    shared,
    memoized,
    cacheManager,
    cacheable,
    typeCacheable,
    bento(BENTO, true),
    bento(BENTO_SHARED, false),
  ],
  budgets: [
    // 350 ns where the cache by hand took 277.
    { contender: shared.name, over: byHand.name, ratio: 1.26 },
    { contender: shared.name, over: memoized.name, ratio: 1 },
    { contender: shared.name, over: cacheManager.name, ratio: 1 },
    { contender: shared.name, over: cacheable.name, ratio: 1 },
    { contender: shared.name, over: typeCacheable.name, ratio: 0.1 },
    { contender: shared.name, over: BENTO_SHARED, ratio: 0.2 },
    { contender: decorated.name, over: BENTO, ratio: 0.2 },
  ],
};

export default cachedCase;
