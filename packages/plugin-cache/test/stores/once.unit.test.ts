import { expect, it, vi } from "vitest";
import { Once } from "../../src/stores/once.js";

it("does its work once for all who ask, and anew once it is undone", async () => {
  const work = vi.fn(async () => undefined);
  const once = new Once(work);
  await Promise.all([once.done(), once.done()]);
  await once.done();
  expect(work).toHaveBeenCalledTimes(1);
  once.undo();
  await once.done();
  expect(work).toHaveBeenCalledTimes(2);
});

it("tells a failure all who waited, does it anew for who asks then, and leaves what others have begun", async () => {
  const fail: ((reason: Error) => void)[] = [];
  const once = new Once(() => new Promise((_, reject) => void fail.push(reject)));
  const first = [once.done(), once.done()];
  once.undo();
  const second = once.done();
  fail[0]!(new Error("no"));
  expect(await Promise.allSettled(first)).toEqual([
    { status: "rejected", reason: new Error("no") },
    { status: "rejected", reason: new Error("no") },
  ]);
  const third = once.done();
  expect(fail).toHaveLength(2);
  fail[1]!(new Error("again"));
  await expect(Promise.all([second, third])).rejects.toThrow("again");
  void once.done();
  expect(fail).toHaveLength(3);
});
