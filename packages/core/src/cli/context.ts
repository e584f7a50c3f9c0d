import type { Kernel } from "../kernel/kernel.js";
import type { Paint, Terminal } from "./terminal.js";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly cwd?: string;
  readonly config?: string;
  readonly app?: string;
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** What a command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly options: GlobalOptions;
  readonly paint: Paint;
  /** Whether an application was named, on the command line or in the configuration. */
  appNamed(): Promise<boolean>;
  /** The kernel, made when it is first asked for and stopped when the command is over. Nothing in it has started. */
  kernel(): Promise<Kernel>;
  print(text: string): void;
}
