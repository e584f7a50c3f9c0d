import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKernel, definePlugin, onEvent } from "@mlmcp/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { project, warningsDuring } from "../config/project.js";

afterEach(() => void vi.restoreAllMocks());

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
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

  it("reloads on SIGHUP, and keeps the configuration and says why where that fails", async () => {
    const file = join(project({ ".mlmcprc.yaml": "errorHandling: { maxRetries: 2 }\n" }), ".mlmcprc.yaml");
    await using kernel = await createKernel({
      configFile: file,
      env: {},
      autoload: false,
      handleSignals: true,
    });
    const causes: string[] = [];
    const reloaded = new Promise<void>((resolve) => {
      const off = onEvent("kernel:reloaded", ({ by }) => {
        off();
        causes.push(by);
        resolve();
      });
    });
    writeFileSync(file, "errorHandling: { maxRetries: 5 }\n");
    process.kill(process.pid, "SIGHUP");
    await reloaded;
    expect([kernel.config.get("errorHandling.maxRetries"), causes]).toEqual([5, ["SIGHUP"]]);
    writeFileSync(file, "errorHandling: { maxRetries: -1 }\n");
    const warnings = await warningsDuring(async () => {
      const refused = new Promise<void>((resolve) => {
        const off = onEvent("kernel:reload-failed", () => {
          off();
          resolve();
        });
      });
      process.kill(process.pid, "SIGHUP");
      await refused;
    });
    expect(warnings).toMatchObject([
      {
        code: "MLMCP_RELOAD_FAILED",
        message: expect.stringMatching(/\(SIGHUP\).*errorHandling\.maxRetries/s),
      },
    ]);
    expect(kernel.config.get("errorHandling.maxRetries")).toBe(5);
  });

  it("leaves no listener behind where hooks of a plugin's stop throw or never end, and every hook is called", async () => {
    const before = listeners();
    const trace: string[] = [];
    const kernel = await createKernel({
      configFile: false,
      env: {},
      autoload: false,
      handleSignals: true,
      config: { system: { stopTimeout: 20 } },
      plugins: [
        definePlugin({
          name: "unruly",
          register({ hooks }) {
            for (const name of ["kernel:draining", "plugin:stopped", "kernel:stopped"] as const) {
              hooks.hook(name, () => {
                trace.push(name);
                throw new Error(`no ${name}`);
              });
              hooks.hook(name, () => new Promise<void>(() => {}));
              hooks.hook(name, () => void trace.push(`after ${name}`));
            }
          },
          stop() {
            throw new Error("no stop");
          },
        }),
      ],
    });
    const { errors } = (await kernel.stop().catch((error: unknown) => error)) as AggregateError;
    const twice = ["plugin:stopped", "plugin:stopped"];
    const called = ["kernel:draining", ...twice, "kernel:stopped"];
    expect(trace).toEqual(called.flatMap((name) => [name, `after ${name}`]));
    expect(
      errors.filter(({ message }: Error) => message.includes("did not finish within 20 ms")),
    ).toHaveLength(4);
    expect(errors).toHaveLength(9);
    expect(listeners()).toEqual(before);
  });

  it("does not let SIGHUP end the process while the kernel stops", async () => {
    const before = listeners();
    const kernel = await start(true);
    let open!: () => void;
    kernel.hooks.hook("kernel:draining", () => new Promise<void>((resolve) => (open = resolve)));
    const killed = new Promise<void>((resolve) => {
      vi.spyOn(process, "kill").mockImplementation(() => {
        resolve();
        return true;
      });
    });
    process.listeners("SIGTERM").at(-1)!("SIGTERM");
    // A second one ends it at once.
    expect(listeners()).toEqual([before[0], before[1], before[2]! + 1]);
    await vi.waitFor(() => expect(open).toBeTypeOf("function"));
    open();
    await killed;
    expect(listeners()).toEqual(before);
  });
});
