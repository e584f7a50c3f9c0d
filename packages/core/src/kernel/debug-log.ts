import { inspect } from "node:util";
import { changedPaths } from "../config/changes.js";
import type { Kernel } from "./kernel.js";

/** Under `system.debug`: says on standard error what the kernel does, a line for each step. */
export function logSteps(kernel: Kernel): void {
  const say = (text: string): void => {
    if (kernel.config.get("system.debug")) process.stderr.write(`mlmcp ${kernel.id}: ${text}\n`);
  };
  const { hooks } = kernel;
  hooks.hook("plugin:registered", ({ name }) => say(`plugin ${name} registered`));
  hooks.hook("plugin:started", ({ name, ms }) => say(`plugin ${name} started in ${ms.toFixed(1)} ms`));
  hooks.hook("plugin:stopped", ({ name }) => say(`plugin ${name} stopped`));
  hooks.hook("kernel:started", () => {
    const { config, operations } = kernel;
    say(
      `started with ${config.file ?? "no rc file"} in ${config.environment}; operations known: ${operations.list().length}`,
    );
  });
  hooks.hook("kernel:reloaded", (change) => {
    const changes = changedPaths(change);
    for (const { path, from, to } of changes) say(`${path}: ${shown(from)} → ${shown(to)}`);
    if (changes.length === 0) say("reloaded; nothing has changed");
  });
  hooks.hook("kernel:draining", () => say("stopping: waits for the calls in flight"));
  hooks.hook("kernel:stopped", () => say("stopped"));
}

function shown(value: unknown): string {
  return value === undefined ? "not set" : inspect(value, { breakLength: Infinity });
}
