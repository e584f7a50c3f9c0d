import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import {
  createKernel,
  createMethodDecorator,
  currentOperation,
  definePlugin,
  retry,
  type Kernel,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { StepQueue } from "../../src/kernel/step-queue.js";
import { shared } from "../../src/operations/shared-state.js";

const running: Kernel[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const kernel of running.splice(0)) await kernel.stop();
});

async function queue(): Promise<StepQueue> {
  const kernel = await createTestKernel();
  running.push(kernel);
  return new StepQueue(kernel);
}

const sharing = createMethodDecorator<object>({
  name: "sharing",
  schema: { type: "object" },
  parts: [
    {
      at: "cache",
      around: (next, binding) => (self, args) => binding.fork({ detached: true })!.run(next, self, args),
    },
  ],
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the queue of a kernel's steps", () => {
  it("runs one step after the other, also where one fails", async () => {
    const steps = await queue();
    const trace: string[] = [];
    const step = (name: string, fails = false) =>
      steps.run(async () => {
        trace.push(`${name} begins`);
        await turn();
        trace.push(`${name} ends`);
        if (fails) throw new Error(name);
      });
    await expect(Promise.allSettled([step("a"), step("b", true), step("c")])).resolves.toMatchObject([
      { status: "fulfilled" },
      { status: "rejected", reason: { message: "b" } },
      { status: "fulfilled" },
    ]);
    expect(trace).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  it("knows who asks from inside the running step, however deep, and no longer once it has ended", async () => {
    const steps = await queue();
    const seen: Record<string, boolean> = {};
    let afterwards: Promise<void> | undefined;
    const step = steps.run(async () => {
      await turn();
      seen["inside"] = steps.inside;
      running[0]!.withContext(
        { correlationId: "deeper" },
        () => (seen["below a caller's context"] = steps.inside),
      );
      afterwards = turn()
        .then(turn)
        .then(() => void (seen["left behind"] = steps.inside));
    });
    seen["beside it"] = steps.inside;
    await step;
    await afterwards;
    seen["after it"] = steps.inside;
    expect(seen).toEqual({
      inside: true,
      "below a caller's context": true,
      "beside it": false,
      "left behind": false,
      "after it": false,
    });
  });

  it("knows it in work that several calls share, which is no part of any of them", async () => {
    class Settings {
      @sharing()
      @retry(1)
      async read() {
        await turn();
        return kernel.reload().then(
          () => "reloaded",
          ({ code }: { code: string }) => code,
        );
      }
    }
    const seen: string[] = [];
    const reader = definePlugin({
      name: "reader",
      register: ({ hooks }) =>
        void hooks.hook("kernel:reloaded", async () => void seen.push(await new Settings().read())),
    });
    const kernel = await createTestKernel({ config: { system: { startTimeout: 1_000 } }, plugins: [reader] });
    running.push(kernel);
    await kernel.config.set("system.stopTimeout", 5_000);
    expect(seen).toEqual(["MLMCP_KERNEL_BUSY"]);
  });

  it("tells its own steps from those of another queue that runs at the same time", async () => {
    const [one, other] = [await queue(), await queue()];
    const seen: boolean[] = [];
    let end = (): void => undefined;
    const long = one.run(() => new Promise<void>((resolve) => (end = resolve)));
    await other.run(async () => void seen.push(one.inside, other.inside));
    // The one that ends first takes nothing from the other.
    const late = one.run(async () => void seen.push(one.inside, other.inside));
    end();
    await Promise.all([long, late]);
    expect(seen).toEqual([false, true, true, false]);
  });

  it("is no call: what goes on after a step, such as a server, has a correlation id for each call", async () => {
    class Requests {
      @retry(1)
      async serve() {
        return currentOperation()!.correlationId;
      }
    }
    const requests = new Requests();
    const ids: string[] = [];
    let serve!: () => void;
    const server = definePlugin({
      name: "server",
      start() {
        // A listener runs in the context in which it was added.
        serve = AsyncResource.bind(() => void requests.serve().then((id) => ids.push(id)));
      },
    });
    const kernel = await createKernel({ configFile: false, env: {}, autoload: false, plugins: [server] });
    running.push(kernel);
    for (let request = 0; request < 4; request += 1) serve();
    await vi.waitFor(() => expect(ids).toHaveLength(4));
    expect(new Set(ids).size).toBe(4);
  });

  it("leaves no storage in use where no call uses the context", async () => {
    const kernel = await createKernel({ configFile: false, env: {}, autoload: false });
    running.push(kernel);
    await shared.context.run(undefined as never, async () => undefined);
    shared.context.disable();
    await kernel.reload();
    expect(shared.steps).toBe(0);
    expect((shared.context as { enabled?: boolean }).enabled ?? false).toBe(false);
  });

  it("takes the one storage that decorated calls use", async () => {
    const used = new Set<unknown>();
    for (const method of ["run", "enterWith"] as const) {
      const original = AsyncLocalStorage.prototype[method] as (...args: unknown[]) => unknown;
      vi.spyOn(AsyncLocalStorage.prototype, method).mockImplementation(function (
        this: unknown,
        ...args: unknown[]
      ) {
        used.add(this);
        return original.apply(this, args);
      });
    }
    class Rates {
      @retry(1)
      async load() {
        return 1;
      }
    }
    const kernel = await createKernel({ configFile: false, env: {}, autoload: false });
    running.push(kernel);
    expect(await new Rates().load()).toBe(1);
    await kernel.reload();
    await kernel.stop();
    expect([...used]).toEqual([shared.context]);
  });
});
