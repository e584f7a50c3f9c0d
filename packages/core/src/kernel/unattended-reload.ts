import { isMlmcpError } from "../errors/index.js";
import type { ChangeCause } from "./events.js";
import type { Kernel } from "./kernel.js";

type UnattendedCause = Extract<ChangeCause, "watch" | "SIGHUP">;

/**
 * A reload that nobody waits for, as a changed file or a signal asks for it. Where it fails, the
 * configuration stays, and a process warning says so (`MLMCP_RELOAD_FAILED`). However often it is
 * asked for, one runs and one waits, which will read what all of these want to be read.
 */
export class UnattendedReload {
  readonly #kernel: Kernel;
  #running: Promise<unknown> | undefined;
  #waiting: Promise<unknown> | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Answers why it failed, or nothing. */
  run(by: UnattendedCause): Promise<unknown> {
    if (this.#waiting !== undefined) return this.#waiting;
    if (this.#running === undefined) return this.#begin(by);
    this.#waiting = this.#running.then(() => {
      this.#waiting = undefined;
      return this.#begin(by);
    });
    return this.#waiting;
  }

  #begin(by: UnattendedCause): Promise<unknown> {
    this.#running = this.#reload(by).finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #reload(by: UnattendedCause): Promise<unknown> {
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
