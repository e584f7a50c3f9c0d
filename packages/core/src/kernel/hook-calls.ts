import type { HookCallback } from "hookable";
import type { ConfigReader } from "../config/reader.js";
import type { Hooks, KernelHooks } from "./hooks.js";
import { within } from "./time-limit.js";

/** The setting of `system` that says how long hooks may take, in the configuration given. */
interface HookLimit {
  readonly config: ConfigReader;
  readonly setting: "startTimeout" | "stopTimeout";
}

/** Calls the hooks of a step one after another. The first that fails ends it, and all share one time. */
export async function callHooks<Name extends keyof KernelHooks>(
  hooks: Hooks,
  name: Name,
  args: Parameters<KernelHooks[Name]>,
  limit: HookLimit,
): Promise<void> {
  await limited(name, limit, () => hooks.callHook(name, ...(args as never)));
}

/**
 * Calls the hooks of a step that cannot be taken back one after another: one that fails, or does
 * not end in its time, keeps no other from being called. Returns what failed.
 */
export async function callEveryHook<Name extends keyof KernelHooks>(
  hooks: Hooks,
  name: Name,
  args: Parameters<KernelHooks[Name]>,
  limit: HookLimit,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  const callAll = async (callbacks: readonly HookCallback[]): Promise<void> => {
    for (const callback of callbacks) {
      try {
        await limited(name, limit, () => callback(...args));
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await hooks.callHookWith(callAll, name, args as never);
  return failures;
}

function limited(
  name: keyof KernelHooks,
  { config, setting }: HookLimit,
  call: () => unknown,
): Promise<unknown> {
  const limit = config.get<number>(`system.${setting}`);
  return within(limit, call, `A hook "${name}" did not finish within ${limit} ms (system.${setting})`);
}
