import { createKernel, type Kernel, type KernelConfig, type Plugin } from "@mlmcp/core";

let kernel: Promise<Kernel> | undefined;
let users = 0;

/**
 * The one kernel of this process, for all contenders that run in it: with a second one, every
 * call would first have to find out which of the two is meant. No file and no variable
 * configures it, and only the plugins of the first who asks are loaded.
 */
export async function useKernel(plugins: readonly Plugin[], config: KernelConfig = {}): Promise<Kernel> {
  users += 1;
  return (kernel ??= createKernel({ configFile: false, env: {}, autoload: false, plugins, config }));
}

/** The last one stops the kernel. */
export async function leaveKernel(): Promise<void> {
  users -= 1;
  if (users > 0) return;
  const last = kernel;
  kernel = undefined;
  await (await last)?.stop();
}
