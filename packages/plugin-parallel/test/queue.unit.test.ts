import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Queue, type Place } from "../src/queue.js";

describe("Queue", () => {
  it("gives first what came first, less what has left", () => {
    const operations = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant("push" as const), value: fc.integer() }),
        fc.record({ kind: fc.constant("shift" as const) }),
        fc.record({ kind: fc.constant("remove" as const), index: fc.nat(20) }),
      ),
    );
    fc.assert(
      fc.property(operations, (steps) => {
        const queue = new Queue<number>();
        const places: Array<Place<number>> = [];
        let model: Array<Place<number>> = [];
        for (const step of steps) {
          if (step.kind === "push") {
            const place = queue.push(step.value);
            places.push(place);
            model.push(place);
          } else if (step.kind === "shift") {
            expect(queue.shift()).toBe(model.shift()?.value);
          } else {
            const place = places[step.index];
            if (!place) continue;
            expect(queue.remove(place)).toBe(model.includes(place));
            model = model.filter((other) => other !== place);
          }
          expect(queue.size).toBe(model.length);
          expect(queue.first).toBe(model[0]?.value);
        }
      }),
    );
  });
});
