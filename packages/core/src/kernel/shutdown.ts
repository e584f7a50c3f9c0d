import type { ConfigListeners } from "../config/changes.js";
import type { ConfigReader } from "../config/reader.js";
import { shared } from "../operations/shared-state.js";
import type { CallPaths } from "./call-paths.js";
import type { Container } from "./container.js";
import { callEveryHook } from "./hook-calls.js";
import type { Hooks } from "./hooks.js";
import type { Kernel } from "./kernel.js";
import type { PluginSet } from "./plugin-set.js";
import { within } from "./time-limit.js";

/** What a kernel holds until it has stopped. */
export interface Stoppable {
  readonly kernel: Kernel;
  readonly hooks: Hooks;
  readonly plugins: PluginSet;
  readonly paths: CallPaths;
  readonly container: Container;
  readonly listeners: ConfigListeners;
}

/** Waits for the calls in flight, as long as `system.stopTimeout` allows. Returns what failed. */
export async function drain({ hooks, paths }: Stoppable, config: ConfigReader): Promise<unknown[]> {
  const limit = config.get("system.stopTimeout");
  const failures = await callEveryHook(hooks, "kernel:draining", [], { config, setting: "stopTimeout" });
  const left = await paths.drained(limit);
  if (left > 0) {
    process.emitWarning(
      `The kernel stops although ${left} call(s) have not ended within ${limit} ms (system.stopTimeout).`,
      { code: "MLMCP_STOP_CALLS_LEFT" },
    );
  }
  return failures;
}

/** Lets go of everything, whatever fails on the way. Returns what failed. */
export async function releaseAll(
  { kernel, hooks, plugins, paths, container, listeners }: Stoppable,
  config: ConfigReader,
): Promise<unknown[]> {
  const limit = config.get("system.stopTimeout");
  listeners.clear();
  shared.running.delete(kernel);
  // The step that stops the kernel takes it out of use.
  if (shared.running.size === 0) shared.contextInUse = false;
  paths.forget();
  const failures = await plugins.stop();
  failures.push(...paths.dispose());
  const late = `The services were not disposed of within ${limit} ms (system.stopTimeout)`;
  const disposed = within(limit, () => container.dispose(), late).catch((error: unknown) => [error]);
  failures.push(...(await disposed));
  failures.push(...(await callEveryHook(hooks, "kernel:stopped", [], { config, setting: "stopTimeout" })));
  return failures;
}
