import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it, vi } from "vitest";
import { KeptStates } from "../../src/operations/kept-states.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function keepForNobody(states: KeptStates, dispose?: (state: { n: number }) => void): WeakRef<object> {
  const operation = {};
  // Without anything to dispose of, state may refer to its operation.
  const state = dispose ? { n: 1 } : { n: 1, operation };
  states.keep(operation, "state", {}, () => state, dispose);
  return new WeakRef(operation);
}

describe("kept state", () => {
  it("goes with its operation, and is disposed of then", async () => {
    const disposed: number[] = [];
    const states = new KeptStates((disposers) => disposers.forEach((dispose) => dispose()));
    const plain = keepForNobody(states);
    const costly = keepForNobody(states, (state) => void disposed.push(state.n));
    await vi.waitFor(() => {
      collect();
      expect([plain, costly].map((operation) => operation.deref() === undefined)).toEqual([true, true]);
      expect(disposed).toEqual([1]);
    });
    expect(states.takeAll()).toEqual([]);
  });

  it("that was handed over is not disposed of again", () => {
    const disposed: number[] = [];
    const states = new KeptStates(() => expect.unreachable());
    const operation = {};
    const keep = (size: number) =>
      states.keep(
        operation,
        "state",
        { size },
        () => size,
        (state) => void disposed.push(state),
      );
    keep(1);
    keep(2);
    for (const dispose of [...states.takeReplaced(), ...states.release(operation), ...states.takeAll()])
      dispose();
    expect(disposed).toEqual([1, 2]);
    expect(keep(2)).toBe(2);
  });
});
