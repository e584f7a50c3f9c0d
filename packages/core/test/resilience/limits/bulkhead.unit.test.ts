import { expect, it } from "vitest";
import { Bulkhead } from "../../../src/resilience/limits/bulkhead.js";
import { Timers } from "../../../src/resilience/timing/timers.js";

it("a call that waits costs the same however many wait before it", async () => {
  const bulkhead = new Bulkhead({ maxConcurrent: 1, queue: 1_000 }, new Timers());
  let reads = 0;
  /** The calls around one that waits, none; whoever looks at them is counted. */
  const counted = (): object[] =>
    new Proxy<object[]>([], {
      get(target, key) {
        reads += 1;
        return Reflect.get(target, key) as unknown;
      },
    });
  const holders = Array.from({ length: 1_001 }, () => ({}));
  bulkhead.enter(holders[0]);
  const waits = holders.slice(1).map((holder) => bulkhead.wait(undefined, holder, counted()));
  for (const holder of holders) bulkhead.leave(holder);
  expect(new Set(await Promise.all(waits))).toEqual(new Set([undefined]));
  expect(reads).toBeLessThan(20 * waits.length);
});
