import { createKernel, type Kernel, type KernelOptions, type Token } from "../kernel/index.js";

export interface TestKernelOptions extends KernelOptions {
  /** Stand-ins for services, by class or token. */
  services?: ReadonlyArray<readonly [token: Token, instance: unknown]>;
}

/**
 * A kernel for a test: no rc file, no environment variables, and, where `plugins` is given,
 * those and no others besides the built-in ones.
 *
 * ```ts
 * await using kernel = await createTestKernel({ config: { operations: { "*": { retry: { initialDelay: 0 } } } } });
 * const reports = kernel.resolve(ReportService);
 * ```
 */
export async function createTestKernel({
  services = [],
  ...options
}: TestKernelOptions = {}): Promise<Kernel> {
  const kernel = await createKernel({
    configFile: false,
    env: {},
    autoload: options.plugins === undefined,
    ...options,
  });
  for (const [token, instance] of services) kernel.services.value(token, instance);
  return kernel;
}
