import { setTimeout as sleep } from "node:timers/promises";
import { deserialize, serialize, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { cacheable } from "@mlmcp/plugin-cache";
import { tableFromArrays } from "apache-arrow";
import { afterAll, describe, expect, it } from "vitest";
import { sizeOf } from "../../src/values/size.js";
import { copyOf, shareAsIs, takeSnapshot } from "../../src/values/snapshot.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const sizeOfValue = (value: unknown): number => sizeOf(takeSnapshot(value));

async function settled(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    collect();
    await sleep(1);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What one copy really takes: the growth of the heap over so many of them. */
async function measured(make: () => unknown, copies: number): Promise<number> {
  const held: unknown[] = Array.from({ length: copies }, () => 0);
  const before = await settled();
  // Through bytes, so that no copy shares its texts with another.
  for (let copy = 0; copy < copies; copy++) held[copy] = copyOf(takeSnapshot(deserialize(serialize(make()))));
  const after = await settled();
  expect(held.length).toBe(copies);
  return (after - before) / copies;
}

const rows = (count: number): object[] =>
  Array.from({ length: count }, (_, id) => ({
    id,
    name: `customer ${(id * 7919) % 1000}`,
    at: new Date(id),
    amount: id / 7,
    tags: ["a", id % 3 ? "x" : "y"],
  }));

describe("the estimated size", () => {
  it.each<[string, () => unknown, number]>([
    ["rows", () => rows(1_000), 20],
    ["an object", () => ({ a: 1, b: "two", c: true, d: [1.5, 2] }), 20_000],
    ["integers", () => Array.from({ length: 1_000 }, (_, index) => index), 400],
    ["other numbers", () => Array.from({ length: 1_000 }, (_, index) => index / 3), 400],
    ["texts", () => Array.from({ length: 1_000 }, (_, index) => `text number ${index} of many`), 100],
    ["wide text", () => "日本語".repeat(3_000), 400],
    ["a Map", () => new Map(Array.from({ length: 1_000 }, (_, id) => [`k${id}`, { id }])), 100],
    ["a Set", () => new Set(Array.from({ length: 1_000 }, (_, id) => `member ${id}`)), 100],
    ["dates", () => Array.from({ length: 1_000 }, (_, id) => new Date(id)), 100],
    ["a typed array", () => new Float64Array(10_000), 100],
    ["a Buffer", () => Buffer.alloc(100_000), 100],
    ["BigInts", () => Array.from({ length: 1_000 }, (_, id) => BigInt(id) ** 3n), 100],
  ])("of %s is within a factor of two of what the heap grows by", async (_, make, copies) => {
    const real = await measured(make, copies);
    const estimated = sizeOfValue(make());
    expect(estimated).toBeGreaterThan(real / 2);
    expect(estimated).toBeLessThan(real * 2);
  });

  it("grows with what is added, in every container", () => {
    const [small, large] = ["x", "x".repeat(10_000)];
    for (const hold of [
      (value: unknown) => [value],
      (value: unknown) => ({ value }),
      (value: unknown) => new Map([[value, 1]]),
      (value: unknown) => new Map([[1, value]]),
      (value: unknown) => new Set([value]),
      (value: unknown) => Object.assign(new Error("e"), { value }),
    ]) {
      const added = sizeOfValue(hold(large)) - sizeOfValue(hold(small));
      expect(added).toBeGreaterThan(9_000);
      expect(added).toBeLessThan(11_000);
    }
  });

  it("counts what is shared once, and ends in cycles", () => {
    const text = ["y".repeat(10_000)];
    expect(sizeOfValue([text, text, text])).toBeLessThan(12_000);
    const cycle: unknown[] = [text];
    cycle.push(cycle);
    expect(sizeOfValue(cycle)).toBeLessThan(12_000);
    expect(sizeOf(shareAsIs(cycle))).toBeLessThan(12_000);
  });

  it("looks at a part of what is long, and is right about the whole", () => {
    let reads = 0;
    const watched = Array.from({ length: 100_000 }, () => ({
      get text() {
        reads++;
        return "twenty characters ok";
      },
    }));
    const size = sizeOf(shareAsIs(watched));
    expect(reads).toBeLessThan(200);
    expect(size).toBeGreaterThan(100_000 * 60);
    expect(size).toBeLessThan(100_000 * 200);
  });

  it("sees Arrow tables and what registered classes hold privately", () => {
    const table = tableFromArrays({ x: new Float64Array(10_000) });
    expect(sizeOfValue({ table })).toBeGreaterThan(80_000);
    expect(sizeOfValue({ table })).toBeLessThan(100_000);
    expect(sizeOfValue(new Vault("z".repeat(10_000)))).toBeGreaterThan(10_000);
  });

  it("takes instances that are shared as they are by what they show", () => {
    class Report {
      constructor(readonly text: string) {}
    }
    expect(sizeOf(shareAsIs(new Report("w".repeat(10_000))))).toBeGreaterThan(10_000);
  });

  it("is not nothing where nothing of a value can be seen", () => {
    const hostile = {
      get text(): string {
        throw new Error("not yet");
      },
    };
    class Socket {
      readonly #buffers = [new Uint8Array(10_000)];
      get count(): number {
        return this.#buffers.length;
      }
    }
    for (const value of [() => 1, new Socket(), Promise.resolve(), new WeakMap(), hostile])
      expect(sizeOf(shareAsIs(value))).toBe(1_000);
    expect(sizeOf(shareAsIs([new Socket(), new Socket()]))).toBeGreaterThan(2_000);
  });
});

class Vault {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  static {
    cacheable(Vault, { id: "test/Vault", encode: (vault) => vault.#text, decode: (text) => new Vault(text) });
  }
}

afterAll(() => void Vault);
