import {
  ConfigurationError,
  createMethodDecorator,
  currentOperation,
  definePlugin,
  OperationTimeoutError,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { contextual, pluginOf } from "../support/tracing.js";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const never = () => new Promise<never>(() => {});

describe("a stop", () => {
  it("does not wait for ever for services and hooks, and reports them", async () => {
    class Hanging {
      dispose = never;
    }
    const kernel = await createTestKernel({ plugins: [], config: { system: { stopTimeout: 10 } } });
    kernel.services.class("hanging", Hanging);
    kernel.resolve("hanging");
    kernel.hooks.hook("kernel:draining", never);
    kernel.hooks.hook("kernel:stopped", never);
    const { errors } = (await kernel.stop().catch((error: unknown) => error)) as AggregateError;
    expect(errors.map(({ message }: Error) => message)).toEqual([
      'A hook "kernel:draining" did not finish within 10 ms (system.stopTimeout)',
      expect.stringMatching(/not disposed of within 10 ms \(system\.stopTimeout\)/),
      'A hook "kernel:stopped" did not finish within 10 ms (system.stopTimeout)',
    ]);
  });

  it("says how many calls it gave up", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const kernel = await createTestKernel({ plugins: [], config: { system: { stopTimeout: 10 } } });
    const call = kernel.wrap(() => never(), { name: "endless" });
    void call();
    await kernel.reload();
    void call();
    await kernel.stop();
    expect(warn).toHaveBeenCalledWith(
      expect.stringMatching(/although 2 call\(s\) have not ended within 10 ms/),
      {
        code: "MLMCP_STOP_CALLS_LEFT",
      },
    );
  });
});

it("a plugin whose start ends after it was given up is stopped then, with its late clean-ups", async () => {
  const trace: string[] = [];
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const late = definePlugin({
    name: "late-start",
    async start({ onStop }) {
      onStop(() => void trace.push("early clean-up"));
      await opened;
      onStop(() => void trace.push("late clean-up"));
    },
    stop: () => void trace.push("stop"),
  });
  await expect(
    createTestKernel({ plugins: [late], config: { system: { startTimeout: 10 } } }),
  ).rejects.toThrow(/did not finish within 10 ms/);
  expect(trace).toEqual(["early clean-up"]);
  open();
  await vi.waitFor(() => expect(trace).toEqual(["early clean-up", "stop", "late clean-up"]));
});

describe("times that no timer can hold", () => {
  it.each(["stopTimeout", "startTimeout"])("are refused for system.%s", async (setting) => {
    await expect(createTestKernel({ config: { system: { [setting]: "25d" } } })).rejects.toThrow(
      new RegExp(`system\\.${setting}.*2147483647`),
    );
    await using _ = await createTestKernel({ config: { system: { [setting]: "24d" } } });
  });

  it.each([Number.NaN, Infinity, "soon" as unknown as number])(
    "are refused as a deadline: %s",
    async (deadline) => {
      await using kernel = await createTestKernel({ plugins: [] });
      const run = vi.fn();
      expect(() => kernel.withContext({ deadline }, run)).toThrow(ConfigurationError);
      expect(run).not.toHaveBeenCalled();
    },
  );

  it("do not let a far deadline fire early; one that has passed aborts at once", async () => {
    vi.useFakeTimers();
    const context = contextual("watched");
    let signal: AbortSignal | undefined;
    class Subject {
      @context()
      async work(until: Promise<void>) {
        signal = currentOperation()!.signal;
        await until;
      }
    }
    await using kernel = await createTestKernel({ plugins: [pluginOf(context)] });
    const subject = kernel.adopt(new Subject());
    const days = 24 * 3600 * 1000;
    let finish!: () => void;
    const until = new Promise<void>((resolve) => (finish = resolve));
    const running = kernel.withContext({ deadline: Date.now() + 60 * days }, () => subject.work(until));
    await vi.advanceTimersByTimeAsync(60 * days - 1);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal?.reason).toBeInstanceOf(OperationTimeoutError);
    finish();
    await running;
    signal = undefined;
    const late = kernel.withContext({ deadline: Date.now() - 1 }, () => {
      const call = subject.work(until);
      expect(signal?.aborted).toBe(true);
      return call;
    });
    await late;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the state of an operation that lost its id", () => {
  it("is disposed of after its last call", async () => {
    const disposed: number[] = [];
    let made = 0;
    const stateful = createMethodDecorator({
      name: "stateful",
      schema: { type: "object" },
      parts: [
        {
          at: "cache",
          around(next, binding) {
            binding.keep(
              "state",
              () => ++made,
              (state) => void disposed.push(state),
            );
            return async (self, args) => next(self, args);
          },
        },
      ],
    });
    const define = () => {
      class Again {
        @stateful()
        async work(until?: Promise<void>) {
          await until;
        }
      }
      return new Again();
    };
    const kernel = await createTestKernel({ plugins: [pluginOf(stateful)] });
    let open!: () => void;
    const first = kernel.adopt(define());
    const second = kernel.adopt(define());
    const running = first.work(new Promise((resolve) => (open = resolve)));
    await second.work();
    expect([made, disposed]).toEqual([2, []]);
    open();
    await running;
    await vi.waitFor(() => expect(disposed).toEqual([1]));
    // Held until here: the state of a class that the collector has taken is disposed of as well.
    expect(second).toBeDefined();
    await kernel.stop();
    expect(disposed).toEqual([1, 2]);
  });
});
