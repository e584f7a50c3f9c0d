import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { locate } from "../../src/stores/location.js";
import { PostgresStore } from "../../src/stores/postgres/postgres-store.js";
import { RedisStore } from "../../src/stores/redis/redis-store.js";
import { SqliteStore } from "../../src/stores/sqlite/sqlite-store.js";
import type { Store, StoredEntry, StoreLock } from "../../src/stores/store.js";
import { hasPostgres, PostgresServer } from "../support/postgres-server.js";
import { hasRedis, RedisServer } from "../support/redis-server.js";
import { temporaryDirectory } from "../temporary.js";
import { MemoryServer } from "./memory-server.js";

const minute = 60_000;

const processes = fc.nat({ max: 1 });
const keys = fc.constantFrom("a", "b");
/** Which of the locks that were given so far: the last, the one before, … */
const ago = fc.nat({ max: 3 });

const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constantFrom("get", "set", "delete", "acquire", "acquire"),
      process: processes,
      key: keys,
    }),
    fc.record({ do: fc.constantFrom("set under", "extend", "release", "release writing"), ago }),
  ),
  { maxLength: 40 },
);

type Step = typeof steps extends fc.Arbitrary<ReadonlyArray<infer One>> ? One : never;

/** A lock that somebody was given, and what has become of it. */
interface Given {
  readonly process: number;
  readonly key: string;
  /** Others cannot take it. */
  isHeld: boolean;
}

/** What a store should do, in two maps. */
class Model {
  readonly entries = new Map<string, string>();
  readonly given: Given[] = [];
  /** The lock of a key that what is written under it is taken for. */
  readonly #current = new Map<string, Given>();

  constructor(private readonly ownEnds: boolean) {}

  set(key: string, value: string): void {
    this.#current.delete(key);
    this.entries.set(key, value);
  }

  delete(key: string): boolean {
    this.#current.delete(key);
    return this.entries.delete(key);
  }

  acquire(process: number, key: string): { readonly isTaken: boolean; readonly entry: string | undefined } {
    const current = this.#current.get(key);
    const isOwn = this.ownEnds && current?.process === process;
    const isTaken = !current?.isHeld || isOwn;
    if (isTaken) {
      const given = { process, key, isHeld: true };
      this.given.push(given);
      this.#current.set(key, given);
    }
    return { isTaken, entry: this.entries.get(key) };
  }

  isCurrent(given: Given): boolean {
    return this.#current.get(given.key) === given;
  }

  setUnder(given: Given, value: string): void {
    if (this.isCurrent(given)) this.set(given.key, value);
  }

  release(given: Given, writing: boolean): void {
    if (!this.isCurrent(given)) return;
    if (writing) given.isHeld = false;
    else this.#current.delete(given.key);
  }
}

/**
 * @param begin the data of the test; what it gives opens a store on them, each time as another process has it
 * @param ownEnds whether who asks once more is given his own lock again
 */
function describeLocks(begin: () => () => Promise<Store>, { ownEnds }: { readonly ownEnds: boolean }): void {
  it("guard entries as a model of them does, whatever two processes do", async () => {
    const connect = begin();
    const stores = await Promise.all([connect(), connect()]);
    onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))));
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const model = new Model(ownEnds);
        const locks: StoreLock[] = [];
        const prefix = `${++runs}:`;
        for (const [at, step] of all.entries()) await follow(step, `v${at}`, prefix, model, locks, stores);
        for (const key of ["a", "b"])
          expect(text(await stores[0]!.get(prefix + key))).toBe(model.entries.get(key));
      }),
      { numRuns: 300 },
    );
  }, 120_000);
}

async function follow(
  step: Step,
  value: string,
  prefix: string,
  model: Model,
  locks: StoreLock[],
  stores: readonly Store[],
): Promise<void> {
  if ("process" in step) {
    const { process, key } = step;
    const store = stores[process]!;
    const name = prefix + key;
    switch (step.do) {
      case "get":
        return expect(text(await store.get(name))).toBe(model.entries.get(key));
      case "set":
        model.set(key, value);
        return store.set(name, entry(value));
      case "delete":
        return expect(await store.delete(name)).toBe(model.delete(key));
      default: {
        const { lock, entry: found } = await store.locks!.acquire(name, minute);
        if (lock) locks.push(lock);
        expect({ isTaken: lock !== undefined, entry: text(found) }).toEqual(model.acquire(process, key));
        return;
      }
    }
  }
  const lock = locks.at(-1 - step.ago);
  const given = model.given.at(-1 - step.ago);
  if (!lock || !given) return;
  switch (step.do) {
    case "set under":
      model.setUnder(given, value);
      return stores[given.process]!.set(prefix + given.key, entry(value, lock.fence));
    case "extend":
      return expect(await lock.extend(minute)).toBe(model.isCurrent(given) && given.isHeld);
    default: {
      const writing = step.do === "release writing";
      model.release(given, writing);
      return lock.release(writing);
    }
  }
}

function entry(value: string, fence?: number): StoredEntry {
  const bytes = Buffer.from(value);
  return { operation: "A.b", bytes, expires: Date.now() + minute, ...(fence !== undefined && { fence }) };
}

function text(found: StoredEntry | undefined): string | undefined {
  return found && Buffer.from(found.bytes).toString();
}

const onError = (error: unknown): void => {
  throw error;
};

describe("the locks of the tests' own store", () => {
  describeLocks(
    () => {
      const server = new MemoryServer();
      return async () => server.connect();
    },
    { ownEnds: false },
  );
});

describe("the locks in SQLite", () => {
  describeLocks(
    () => {
      const file = join(temporaryDirectory(), "cache.db");
      return () => SqliteStore.open(file, { onError });
    },
    { ownEnds: false },
  );
});

describe.skipIf(!hasRedis())("the locks in a Redis", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  describeLocks(() => () => RedisStore.open(locate(server.url)!, { onError }), { ownEnds: true });
});

describe.skipIf(!hasPostgres)("the locks in a Postgres", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  describeLocks(() => () => PostgresStore.open(locate(server.url)!, { onError }), { ownEnds: true });
});
