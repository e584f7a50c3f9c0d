import { createKernel } from "@mlmcp/core";
import { afterEach, describe, expect, it, vi } from "vitest";

afterEach(() => void vi.restoreAllMocks());

const signals = ["SIGINT", "SIGTERM"] as const;
const listeners = () => signals.map((signal) => process.listenerCount(signal));
const start = (handleSignals?: boolean) =>
  createKernel({ configFile: false, env: {}, autoload: false, handleSignals });

describe("handleSignals", () => {
  it("stops the kernel, then lets the signal end the process", async () => {
    const before = listeners();
    const kernel = await start(true);
    const stopped: string[] = [];
    kernel.hooks.hook("kernel:stopped", () => void stopped.push("stopped"));
    const killed = new Promise<unknown[]>((resolve) => {
      vi.spyOn(process, "kill").mockImplementation((...args) => {
        resolve([...stopped, ...args]);
        return true;
      });
    });
    const onSignal = process.listeners("SIGTERM").at(-1)!;
    onSignal("SIGTERM");
    expect(await killed).toEqual(["stopped", process.pid, "SIGTERM"]);
    expect(listeners()).toEqual(before);
  });

  it("leaves no listener behind after a stop, and is off unless asked for", async () => {
    const before = listeners();
    const kernel = await start(true);
    expect(listeners()).toEqual(before.map((count) => count + 1));
    await kernel.stop();
    expect(listeners()).toEqual(before);
    await using _ = await start();
    expect(listeners()).toEqual(before);
  });
});
