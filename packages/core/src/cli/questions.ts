import { createInterface, type Interface } from "node:readline";
import { CommandFailure } from "./failure.js";
import type { Terminal } from "./terminal.js";

/** Asks somebody at a terminal. Questions go to the error stream, so that the output can be piped. */
export class Questions {
  readonly #lines: Interface;
  /** What was typed before it was asked for. */
  readonly #typed: AsyncIterator<string>;
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    // The terminal itself edits the line and echoes it.
    this.#lines = createInterface({ input: terminal.stdin, terminal: false });
    this.#typed = this.#lines[Symbol.asyncIterator]();
  }

  /** @throws CommandFailure where the input has ended */
  async ask(question: string): Promise<string> {
    this.#terminal.stderr.write(`${question} `);
    const { done, value } = await this.#typed.next();
    if (!done) return value.trim();
    this.#terminal.stderr.write("\n");
    throw new CommandFailure(
      "there is no answer: the input has ended",
      "Run it with --yes to be asked nothing.",
    );
  }

  /** Lets the process end. */
  close(): void {
    this.#lines.close();
  }
}
