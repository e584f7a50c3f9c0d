import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrequencySketch, hashOf } from "../../src/memory/frequency-sketch.js";

describe("the frequency sketch", () => {
  it("never estimates less than there was, up to 15", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 150 }), (keys) => {
        const sketch = new FrequencySketch(1_000);
        const counts = new Map<number, number>();
        for (const key of keys) {
          sketch.add(hashOf(`k${key}`));
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
        for (const [key, count] of counts) {
          expect(sketch.estimate(hashOf(`k${key}`))).toBeGreaterThanOrEqual(Math.min(count, 15));
        }
      }),
    );
  });

  it("rarely estimates more than there was", () => {
    const sketch = new FrequencySketch(1_000);
    for (let key = 0; key < 1_000; key++) sketch.add(hashOf(`k${key}`));
    let tooMuch = 0;
    for (let key = 0; key < 1_000; key++) if (sketch.estimate(hashOf(`k${key}`)) > 1) tooMuch++;
    expect(tooMuch).toBeLessThan(200);
  });

  it("forgets what is no longer asked for", () => {
    const sketch = new FrequencySketch(100);
    const once = hashOf("once popular");
    for (let use = 0; use < 15; use++) sketch.add(once);
    expect(sketch.estimate(once)).toBe(15);
    for (let key = 0; key < 10_000; key++) sketch.add(hashOf(`k${key % 500}`));
    expect(sketch.estimate(once)).toBeLessThan(8);
  });
});
