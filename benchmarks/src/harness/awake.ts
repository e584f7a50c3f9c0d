import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism, constants, setPriority } from "node:os";

/** Ends with its parent: it looks up now and then. */
const program = `
  process.stdin.resume().on("end", () => process.exit());
  (function spin() {
    const until = Date.now() + 20;
    while (Date.now() < until);
    setImmediate(spin);
  })();`;

/** What keeps the processors awake. */
export interface Vigil {
  readonly pids: readonly number[];
  end(): Promise<void>;
}

/**
 * Keeps every processor busy at the lowest priority, so that none falls asleep. Where one process
 * waits for another, an idle processor of a virtual machine takes longer to wake up than the call
 * itself, and whether it slept depends on what else runs: on a busy server it did not.
 */
export function keepAwake(): Vigil {
  const spinners = Array.from({ length: availableParallelism() }, () => {
    const spinner = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "ignore", "inherit"] });
    if (spinner.pid !== undefined) setPriority(spinner.pid, constants.priority.PRIORITY_LOW);
    return { spinner, over: once(spinner, "exit") };
  });
  return {
    pids: spinners.map(({ spinner }) => spinner.pid!),
    async end() {
      for (const { spinner } of spinners) spinner.kill();
      await Promise.all(spinners.map(({ over }) => over));
    },
  };
}
