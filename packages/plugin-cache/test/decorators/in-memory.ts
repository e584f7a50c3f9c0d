import { onEvent, type MlmcpEvents } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cachePlugin } from "@mlmcp/plugin-cache";
import { onTestFinished, vi } from "vitest";

/** A kernel that caches in memory until the test ends. `more` is the rest of its configuration. */
export async function inMemory({ cache = {}, ...more }: { cache?: object } & Record<string, unknown> = {}) {
  const kernel = await createTestKernel({
    plugins: [cachePlugin],
    config: { cache: { store: "memory:", ...cache }, ...more },
  });
  onTestFinished(() => kernel.stop());
  return kernel;
}

/** Time that passes only by hand, from now until the test ends. */
export function stopTime(): (ms: number) => Promise<void> {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  return async (ms) => void (await vi.advanceTimersByTimeAsync(ms));
}

/** Collects one kind of event until the test ends. */
export function collect<Name extends keyof MlmcpEvents & string>(name: Name): MlmcpEvents[Name][] {
  const events: MlmcpEvents[Name][] = [];
  onTestFinished(onEvent(name, (event) => void events.push(event)));
  return events;
}

/** A promise and the hands that settle it. */
export function gate<T = void>() {
  let open!: (value: T) => void;
  let slam!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => ([open, slam] = [resolve, reject]));
  return { promise, open, slam };
}
