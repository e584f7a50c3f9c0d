import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DurationBuckets } from "../src/duration-buckets.js";

describe("duration buckets", () => {
  it("count, for each bound, exactly the durations that do not exceed it", () => {
    const bound = fc.integer({ min: 1, max: 50 });
    fc.assert(
      fc.property(
        fc.array(bound, { minLength: 1, maxLength: 12 }),
        fc.array(fc.oneof(bound, fc.double({ min: 0, max: 60, noNaN: true }))),
        (bounds, durations) => {
          const buckets = new DurationBuckets(bounds);
          for (const duration of durations) buckets.record(duration);
          const expected = buckets.bounds.map(
            (limit) => durations.filter((duration) => duration <= limit).length,
          );
          expect(buckets.cumulative()).toEqual([...expected, durations.length]);
        },
      ),
    );
  });

  it("sort their bounds and drop repeated ones", () => {
    expect(new DurationBuckets([1_000, 5, 1_000, 50]).bounds).toEqual([5, 50, 1_000]);
  });

  it("add up what they count, and forget it on reset", () => {
    const buckets = new DurationBuckets([10]);
    buckets.record(4);
    buckets.record(40);
    expect(buckets.sum).toBe(44);
    buckets.reset();
    expect(buckets.sum).toBe(0);
    expect(buckets.cumulative()).toEqual([0, 0]);
  });
});
