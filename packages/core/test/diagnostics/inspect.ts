import { onTestFinished } from "vitest";
import { createKernel, type Finding, type KernelOptions } from "@mlmcp/core";
import type { CoreRule, Inspected, Surroundings } from "../../src/diagnostics/rule.js";

/** A kernel that has not started, as the rules see it; stopped when the test is over. */
export async function inspect(options: KernelOptions): Promise<Inspected> {
  const kernel = await createKernel({ configFile: false, env: {}, start: false, ...options });
  onTestFinished(() => kernel.stop());
  return { ...surroundings({ cwd: kernel.config.cwd }), kernel, ...kernel.inspection };
}

/** Nothing wrong, besides what is given. */
export function surroundings(given: Partial<Surroundings>): Surroundings {
  return { nodeVersion: process.versions.node, cwd: "/", plugins: [], copies: ["file:///core.js"], ...given };
}

/** What a rule says of a kernel with these options. */
export async function findings(
  rule: CoreRule<Inspected>,
  options: KernelOptions,
): Promise<readonly Finding[]> {
  return rule.diagnose(await inspect(options));
}
