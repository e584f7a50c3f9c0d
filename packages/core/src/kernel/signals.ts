import type { Kernel } from "./kernel.js";
import type { UnattendedReload } from "./unattended-reload.js";

/**
 * Lets SIGINT and SIGTERM stop a kernel and then end the process, and SIGHUP reload its
 * configuration, until it has stopped.
 */
export function handleSignals(kernel: Kernel, reload: UnattendedReload): void {
  const stop = (signal: NodeJS.Signals): void => {
    release();
    kernel
      .stop()
      .catch((error: unknown) => process.emitWarning(String(error), { code: "MLMCP_STOP_FAILED" }))
      .finally(() => process.kill(process.pid, signal));
  };
  const hangUp = (): void => void reload.run("SIGHUP");
  const listeners: Array<readonly [NodeJS.Signals, NodeJS.SignalsListener]> = [
    ["SIGINT", stop],
    ["SIGTERM", stop],
  ];
  // On Windows it says that the console closes, and the process ends whatever it does.
  if (process.platform !== "win32") listeners.push(["SIGHUP", hangUp]);
  const release = (): void => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
  for (const [signal, listener] of listeners) process.on(signal, listener);
  kernel.hooks.hook("kernel:stopped", release);
}
