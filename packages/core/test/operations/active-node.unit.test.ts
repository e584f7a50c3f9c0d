import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, describe, expect, it } from "vitest";
import { activeNode, activePlace, nodeAt, runInside } from "../../src/operations/active-node.js";
import { CallNode } from "../../src/operations/call.js";
import { shared } from "../../src/operations/shared-state.js";

afterEach(() => shared.context.disable());

async function nodes() {
  const kernel = await createTestKernel({ config: { system: { context: true } } });
  shared.contextInUse = true;
  return { outer: new CallNode({ kernel, id: "Outer" }), inner: new CallNode({ kernel, id: "Inner" }) };
}

function inside<T>(node: CallNode, step: () => T): T {
  const place = activePlace();
  return runInside(node, place, nodeAt(place), step, undefined, [], undefined) as T;
}

describe("the active node", () => {
  it("is what the storage itself says, inside a step and after it", async () => {
    const { outer, inner } = await nodes();
    const seen: unknown[] = [];
    const look = (): void => void seen.push(activeNode(), shared.context.getStore());
    look();
    inside(outer, () => {
      look();
      inside(inner, look);
      look();
    });
    look();
    expect(seen).toEqual([
      undefined,
      undefined,
      outer,
      outer,
      inner,
      inner,
      outer,
      outer,
      undefined,
      undefined,
    ]);
  });

  it("goes on into promises and timers, and not beyond the step", async () => {
    const { outer } = await nodes();
    const later = inside(outer, async () => {
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      return activeNode();
    });
    expect(activeNode()).toBeUndefined();
    expect(await later).toBe(outer);
    expect(activeNode()).toBeUndefined();
  });

  it("is left where the step throws", async () => {
    const { outer } = await nodes();
    const fail = (): never => {
      throw new Error("no");
    };
    expect(() => inside(outer, fail)).toThrow("no");
    expect(activeNode()).toBeUndefined();
  });

  it("is there again after the storage has been out of use", async () => {
    const { outer } = await nodes();
    inside(outer, () => undefined);
    shared.context.disable();
    expect(activePlace()).toBeUndefined();
    const later = inside(outer, async () => {
      await Promise.resolve();
      return activeNode();
    });
    expect(await later).toBe(outer);
  });

  it("is found without the storage where Node.js keeps it on a resource, as it does before 24", async () => {
    const { outer } = await nodes();
    inside(outer, () => undefined);
    const hasSlots = "kResourceStore" in shared.context;
    expect(hasSlots).toBe(Number.parseInt(process.versions.node) < 24);
    expect(activePlace() !== undefined).toBe(hasSlots);
  });
});
