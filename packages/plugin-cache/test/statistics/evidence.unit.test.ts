import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Evidence } from "../../src/statistics/evidence.js";
import type { Entry } from "../../src/values/entry.js";
import { shareAsIs, takeSnapshot, type Snapshot } from "../../src/values/snapshot.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

/** One that was fresh for a minute and ran out so long ago. */
function entryOf(snapshot: Snapshot, ranOutAgo: number): Entry {
  const freshUntil = Date.now() - ranOutAgo;
  return {
    operation: "A.b",
    created: freshUntil - 60_000,
    freshUntil,
    expires: freshUntil,
    cost: 0,
    versions: {},
    snapshot,
  };
}

describe("a value that is made", () => {
  it.each([
    ["right after the one before ran out", 0, 1],
    ["one ttl later", 60_000, 1],
    ["more than a ttl later", 60_001, 0],
    ["while the one before was fresh", -1, 0],
  ])("is a renewal or not: %s", (_, ago, renewals) => {
    const evidence = new Evidence();
    evidence.made(takeSnapshot({ a: 1 }), 5, entryOf(takeSnapshot({ a: 1 }), ago));
    expect(evidence.counts).toMatchObject({ made: 1, madeMs: 5, renewals, equal: renewals });
  });

  it("is compared with the one before, unless that is shared, was an error, or is large", () => {
    const evidence = new Evidence();
    const value = takeSnapshot({ a: new Date(7) });
    evidence.made(value, 5, entryOf(takeSnapshot({ a: new Date(8) }), 0));
    expect(evidence.counts).toMatchObject({ renewals: 1, compared: 1, equal: 0, equalMs: 0 });
    evidence.made(value, 5, entryOf(takeSnapshot({ a: new Date(7) }), 0));
    expect(evidence.counts).toMatchObject({ renewals: 2, compared: 2, equal: 1, equalMs: 5 });
    evidence.made(value, 5, { ...entryOf(value, 0), thrown: true });
    evidence.made(shareAsIs({ a: 1 }), 5, entryOf(shareAsIs({ a: 1 }), 0));
    const large = takeSnapshot("x".repeat(200_000));
    evidence.made(large, 5, entryOf(large, 0));
    expect(evidence.counts).toMatchObject({ renewals: 5, compared: 2 });
  });

  it("is compared less often once there were many", () => {
    const evidence = new Evidence();
    const value = takeSnapshot(1);
    for (let time = 0; time < 130; time++) evidence.made(value, 1, entryOf(value, 0));
    expect(evidence.counts).toMatchObject({ renewals: 130, compared: 60 });
  });
});

describe("a failure", () => {
  it("is a repetition where one of the same key was shortly before", () => {
    const evidence = new Evidence();
    evidence.failed("k", new TypeError("x"), 3);
    vi.advanceTimersByTime(60_000);
    evidence.failed("k", new TypeError("x"), 3);
    evidence.failed("other", new TypeError("x"), 3);
    vi.advanceTimersByTime(60_001);
    evidence.failed("k", "a text", 3);
    expect(evidence.counts).toMatchObject({ failures: 4, repeatedFailures: 1, repeatedFailureMs: 3 });
    expect([...evidence.failureNames]).toEqual([["TypeError", 1]]);
  });

  it("of more keys than are remembered is none", () => {
    const evidence = new Evidence();
    for (let key = 0; key < 1_000; key++) evidence.failed(`k${key % 513}`, new Error("x"), 1);
    expect(evidence.counts.repeatedFailures).toBe(0);
  });
});

describe("a miss", () => {
  it("tells how many different keys and arguments there were, also the properties of objects", () => {
    const evidence = new Evidence();
    for (let time = 0; time < 40; time++)
      evidence.missed(`3:${time}`, [{ id: time, region: time % 2 }, "same", () => time]);
    expect(evidence.keys.estimate()).toBeGreaterThan(35);
    const values = Object.fromEntries(
      Array.from(evidence.arguments, ([label, count]) => [label, count.estimate()]),
    );
    expect(values).toEqual({ 1: expect.any(Number), "1.id": expect.any(Number), "1.region": 2, 2: 1, 3: 1 });
    expect(values["1.id"]).toBeGreaterThan(35);
  });

  it("is the same key in every process, whatever number its keyspace has there", () => {
    const [one, other] = [new Evidence(), new Evidence()];
    one.missed("3:key", undefined);
    other.missed("12:key", undefined);
    one.keys.merge(other.keys);
    expect(one.keys.estimate()).toBe(1);
  });
});
