import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { AbortListeners } from "../src/abort-listeners.js";

describe("AbortListeners", () => {
  it("keeps one listener on a signal, as long as anybody waits for it", () => {
    const listeners = new AbortListeners();
    const { signal } = new AbortController();
    const ends = Array.from({ length: 20 }, () => listeners.add(signal, () => undefined));
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    for (const end of ends) end();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("tells all that still wait, in order", () => {
    const listeners = new AbortListeners();
    const controller = new AbortController();
    const told: string[] = [];
    listeners.add(controller.signal, () => told.push("first"));
    listeners.add(controller.signal, () => told.push("gone"))();
    listeners.add(controller.signal, () => told.push("last"));
    controller.abort();
    expect(told).toEqual(["first", "last"]);
  });
});
