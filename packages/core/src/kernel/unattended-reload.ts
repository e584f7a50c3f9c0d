import { isMlmcpError } from "../errors/index.js";
import type { ChangeCause } from "./events.js";
import type { Kernel } from "./kernel.js";

/**
 * A reload that nobody waits for, as a changed file or a signal asks for it. Where it fails, the
 * configuration stays, and a process warning says so (`MLMCP_RELOAD_FAILED`).
 */
export class UnattendedReload {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Answers why it failed, or nothing. */
  async run(by: Extract<ChangeCause, "watch" | "SIGHUP">): Promise<unknown> {
    try {
      await this.#kernel.reloadBecauseOf(by);
      return undefined;
    } catch (error) {
      // A kernel that stops needs no configuration any more.
      if (isMlmcpError(error) && error.code === "MLMCP_KERNEL_STOPPED") return undefined;
      const reason = error instanceof Error ? error.message : String(error);
      const message = `The configuration was not reloaded (${by}), and stays as it was. ${reason}`;
      process.emitWarning(message, { code: "MLMCP_RELOAD_FAILED" });
      return error;
    }
  }
}
