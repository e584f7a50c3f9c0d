import { expect, it } from "vitest";
import { leftoversOf } from "../../src/testing/leftovers.js";
import { Load } from "./soak/load.js";

const CALLS = 100_000;

it(`leaves no timer, listener or entry after ${CALLS} calls that fail at random`, async () => {
  const left = await leftoversOf(async () => {
    const load = await Load.start();
    await load.run(CALLS);
    expect(load.outcomes["data"]).toBeGreaterThan(CALLS / 2);
    expect(load.outcomes["stand-in"]).toBeGreaterThan(100);
    expect(load.leftovers()).toEqual([]);
    await load.kernel.stop();
  });
  expect(left).toEqual([]);
});
