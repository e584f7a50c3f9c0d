import type { Kernel } from "./kernel.js";
import type { UnattendedReload } from "./unattended-reload.js";

const stopping = ["SIGINT", "SIGTERM"] as const;

/**
 * Lets SIGINT and SIGTERM stop a kernel and then end the process, and SIGHUP reload its
 * configuration, until it has stopped.
 */
export function handleSignals(kernel: Kernel, reload: UnattendedReload): void {
  const stop = (signal: NodeJS.Signals): void => {
    // A second one ends the process at once. SIGHUP stays harmless until the kernel has stopped.
    for (const one of stopping) process.off(one, stop);
    kernel
      .stop()
      .catch((error: unknown) => process.emitWarning(String(error), { code: "MLMCP_STOP_FAILED" }))
      .finally(() => process.kill(process.pid, signal));
  };
  const hangUp = (): void => void reload.run("SIGHUP");
  for (const one of stopping) process.on(one, stop);
  // On Windows it says that the console closes, and the process ends whatever it does.
  if (process.platform !== "win32") process.on("SIGHUP", hangUp);
  kernel.hooks.hook("kernel:stopped", () => {
    for (const one of stopping) process.off(one, stop);
    process.off("SIGHUP", hangUp);
  });
}
