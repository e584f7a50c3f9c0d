import { inspect } from "node:util";
import type { Entry } from "../../src/values/entry.js";
import { takeSnapshot } from "../../src/values/snapshot.js";

/** One value of each kind that the codec keeps, made anew for each who asks. */
export function samples(): Record<string, unknown> {
  const cycle: { name: string; self?: unknown } = { name: "cycle" };
  cycle.self = [cycle, new Map([[cycle, cycle]])];
  return {
    atoms: [undefined, null, true, -0, NaN, Infinity, 2 ** 53, "text", "\ud800", "日本", 2n ** 80n, -3n],
    containers: { a: { b: Object.assign([], { 0: 1, 2: 3 }) }, m: new Map([[{ k: 1 }, new Set([1, "2"])]]) },
    dates: [new Date(0), new Date(NaN), /a(?<b>.)/giu],
    views: [
      Buffer.from("abc"),
      new Uint8Array([1]),
      new Int16Array([-2]),
      new Uint8ClampedArray([255]),
      new Float32Array([1.5]),
      new Float64Array([0.1, -0]),
      new BigInt64Array([-5n]),
      new BigUint64Array([5n]),
      new DataView(new ArrayBuffer(3)),
      new Uint32Array([1, 2]).buffer,
    ],
    errors: new AggregateError([new TypeError("a", { cause: { code: 7 } }), 2], "both"),
    urls: [new URL("https://a.b/c?d=e#f"), new URLSearchParams("x=1&x=2")],
    bare: Object.assign(Object.create(null) as object, { a: 1 }),
    cycle,
    rows: Array.from({ length: 50 }, (_, id) => ({ id, name: `name ${id}`, at: new Date(id) })),
  };
}

/** All that can be seen of a value; an error's stack is a property that some versions show otherwise. */
export function shown(value: unknown): string {
  const options = { depth: 9, maxArrayLength: null, maxStringLength: null, sorted: true } as const;
  if (value instanceof AggregateError) {
    const [first, second] = value.errors as [TypeError, number];
    return inspect([value.name, value.message, first.name, first.message, first.cause, second], options);
  }
  // Node 24 puts the names of what does not enumerate in brackets.
  return inspect(value, options).replaceAll(/\[(buffer|byteLength|byteOffset)\]:/g, "$1:");
}

export function entryOf(value: unknown): Entry {
  const head = { operation: "test", created: 1, freshUntil: 2, expires: 3, cost: 4, versions: { "*": "0" } };
  return { ...head, snapshot: takeSnapshot(value) };
}
