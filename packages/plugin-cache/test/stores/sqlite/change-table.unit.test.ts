import { afterEach, describe, expect, it, vi } from "vitest";
import type { Change } from "../../../src/stores/store.js";
import { ask, entry, freshPath, openStore } from "./opening.js";

afterEach(() => void vi.useRealTimers());

function listening() {
  const trace: (Change | "missed")[] = [];
  return {
    trace,
    changed: (change: Change): void => void trace.push(change),
    missed: (): void => void trace.push("missed"),
  };
}

const key = (name: string): Change => ({ kind: "key", key: name });
const heard = (expected: () => void) => vi.waitFor(expected, { interval: 20 });

describe("changes of the SQLite store", () => {
  it("reach the other stores in their order, and not the one that made them", async () => {
    const file = freshPath();
    const [one, other] = [await openStore(file), await openStore(file)];
    const [own, others] = [listening(), listening()];
    await one.set("before anybody listened", entry());
    await one.changes.subscribe(own);
    await other.changes.subscribe(others);
    const version: Change = { kind: "version", name: "tag", version: "v1" };
    await Promise.all([one.set("a", entry()), one.setVersion("tag", "v1")]);
    await other.set("from the other", entry());
    await heard(() => expect(others.trace).toEqual([key("a"), version]));
    await heard(() => expect(own.trace).toEqual([key("from the other")]));
  });

  it("are told in full where they are many", async () => {
    const file = freshPath();
    const [one, other] = [await openStore(file), await openStore(file)];
    const others = listening();
    await other.changes.subscribe(others);
    const names = Array.from({ length: 2_500 }, (_, at) => `k${at}`);
    await Promise.all(names.map((name) => one.set(name, entry())));
    await heard(() => expect(others.trace).toHaveLength(2_500));
    expect(others.trace).toEqual(names.map(key));
  });

  it("of another prefix are not told", async () => {
    const file = freshPath();
    const [one, other] = [await openStore(file, { prefix: "a_" }), await openStore(file, { prefix: "ab" })];
    const third = await openStore(file, { prefix: "ab" });
    const others = listening();
    await other.changes.subscribe(others);
    await one.set("a", entry());
    await third.set("b", entry());
    await heard(() => expect(others.trace).toEqual([key("b")]));
  });

  it("that are gone before they were read are told as missed", async () => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    const file = freshPath();
    const [one, other] = [await openStore(file), await openStore(file)];
    const others = listening();
    await other.changes.subscribe(others);
    await one.set("a", entry());
    await heard(() => expect(others.trace).toEqual([key("a")]));
    await ask(
      file,
      "INSERT INTO changes (space, origin, name) VALUES ('', 'x', 'lost')",
      "INSERT INTO changes (space, origin, name) VALUES ('', 'x', 'last')",
      "DELETE FROM changes WHERE name <> 'last'",
    );
    await one.set("b", entry());
    await heard(() => expect(others.trace.slice(1)).toEqual(["missed"]));
    await one.set("c", entry());
    await heard(() => expect(others.trace.slice(2)).toEqual([key("c")]));
  });

  it("stay as long as the others may need to read them, and then go", async () => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date", "setInterval", "clearInterval"] });
    const file = freshPath();
    const store = await openStore(file);
    const begun = Date.now();
    await store.set("a", entry());
    vi.advanceTimersByTime(120_000);
    await store.deleteExpired();
    await store.set("b", entry());
    expect(await ask(file, "SELECT count(*) FROM changes")).toEqual([2]);
    await vi.waitFor(async () => {
      vi.advanceTimersByTime(60_000);
      expect(await ask(file, "SELECT name FROM changes")).toEqual(["b"]);
    });
    expect(vi.getMockedSystemTime()!.getTime()).toBeGreaterThan(begun + 300_000);
  });

  it("are no longer told, and no longer asked for, once nobody listens", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const store = await openStore();
    const timers = vi.getTimerCount();
    const subscribe = () => store.changes.subscribe(listening());
    const ends = await Promise.all([subscribe(), subscribe()]);
    expect(vi.getTimerCount()).toBe(timers + 1);
    for (const end of ends) await end();
    expect(vi.getTimerCount()).toBe(timers);
    await store.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
