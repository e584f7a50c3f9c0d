import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Delays } from "../../../src/resilience/retry/delays.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("delays", () => {
  it("pass after their time, not before", async () => {
    const ended = vi.fn();
    const waiting = new Delays().wait(100, undefined).then(ended);
    await vi.advanceTimersByTimeAsync(99);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
    expect(ended).toHaveBeenCalledExactlyOnceWith(true);
  });

  it("reject with the signal's own reason at once, and leave no timer", async () => {
    const controller = new AbortController();
    const waiting = new Delays().wait(100, controller.signal);
    const reason = { whatever: "the caller says" };
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("do not begin under a signal that has aborted", async () => {
    await expect(new Delays().wait(100, AbortSignal.abort("gone"))).rejects.toBe("gone");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leave no listener on the signal", async () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, "addEventListener");
    const remove = vi.spyOn(signal, "removeEventListener");
    const waiting = new Delays().wait(100, signal);
    await vi.advanceTimersByTimeAsync(100);
    await waiting;
    expect(remove.mock.calls.map(([type, listener]) => [type, listener])).toEqual(
      add.mock.calls.map(([type, listener]) => [type, listener]),
    );
  });

  it("are all cut short by the end, and none begins after it", async () => {
    const delays = new Delays();
    const running = [delays.wait(100, undefined), delays.wait(200, new AbortController().signal)];
    delays.end();
    expect(vi.getTimerCount()).toBe(0);
    await expect(Promise.all([...running, delays.wait(5, undefined)])).resolves.toEqual([
      false,
      false,
      false,
    ]);
  });
});
