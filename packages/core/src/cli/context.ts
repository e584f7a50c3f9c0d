import type { Kernel } from "../kernel/kernel.js";
import type { Paint, Terminal } from "./terminal.js";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly cwd?: string;
  readonly config?: string;
  readonly app?: string;
  readonly json?: boolean;
  readonly debug?: boolean;
  /** Questions are answered as if somebody had agreed. */
  readonly yes?: boolean;
  /** What production or an existing file stands against is done all the same. */
  readonly force?: boolean;
}

/** What a command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly options: GlobalOptions;
  readonly paint: Paint;
  /** Where the configuration is looked for, as the options say. */
  readonly place: { readonly cwd: string; readonly configFile?: string; readonly env: NodeJS.ProcessEnv };
  /**
   * Imports the application's module, where one is named: its classes and sections are known then.
   *
   * @param configured what the configuration names. Default: what it does name
   */
  importApp(configured?: { readonly app: string | undefined }): Promise<void>;
  /** Whether an application was named, on the command line or in the configuration. */
  appNamed(): Promise<boolean>;
  /** The kernel, made when it is first asked for and stopped when the command is over. Nothing in it has started. */
  kernel(): Promise<Kernel>;
  /** Whether somebody is there who can be asked, and wants to be. */
  readonly interactive: boolean;
  /** The answer to a question, or the fallback where it is empty or nobody is there to give one. */
  ask(question: string, fallback: string): Promise<string>;
  /**
   * Returns where something may be destroyed: somebody agreed, or `--yes` was given; in production
   * `--force` must be there besides.
   *
   * @param loss what would be lost, a sentence: `"All cached results are deleted."`
   * @throws CommandFailure where it was refused, or nobody is there to agree
   */
  confirm(loss: string): Promise<void>;
  print(text: string): void;
}
