import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Kernel } from "../kernel/kernel.js";
import type { CommandContext, GlobalOptions } from "./context.js";
import { UsageError } from "./failure.js";
import { painter, type Paint, type Terminal } from "./terminal.js";

/** One run of the command line: loads the application and the kernel when a command needs them. */
export class Session implements CommandContext {
  readonly terminal: Terminal;
  readonly paint: Paint;
  options: GlobalOptions = {};
  #kernel: Promise<Kernel> | undefined;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
    this.paint = painter(terminal.stdout, terminal.env);
  }

  async appNamed(): Promise<boolean> {
    return (await this.#app()) !== undefined;
  }

  kernel(): Promise<Kernel> {
    return (this.#kernel ??= this.#open());
  }

  print(text: string): void {
    if (text !== "") this.terminal.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** Stops the kernel, if one has started. */
  async close(): Promise<void> {
    const kernel = await this.#kernel?.catch(() => undefined);
    await kernel?.stop();
  }

  get #cwd(): string {
    const directory = resolve(this.terminal.cwd, this.options.cwd ?? "");
    if (!existsSync(directory))
      throw new UsageError(`the directory ${directory} does not exist`, "Correct --cwd.");
    return directory;
  }

  get #configFile(): string | undefined {
    // From where the command was typed, as every other path on a command line.
    return this.options.config === undefined ? undefined : resolve(this.terminal.cwd, this.options.config);
  }

  async #app(): Promise<string | undefined> {
    if (this.options.app !== undefined) return resolve(this.terminal.cwd, this.options.app);
    const { readSources } = await import("../index.js");
    return (await readSources({ cwd: this.#cwd, configFile: this.#configFile, env: this.terminal.env })).app;
  }

  async #open(): Promise<Kernel> {
    const { createKernel } = await import("../index.js");
    const app = await this.#app();
    if (app !== undefined) await importApp(app);
    return await createKernel({
      cwd: this.#cwd,
      env: this.terminal.env,
      start: false,
      ...(this.#configFile === undefined ? {} : { configFile: this.#configFile }),
    });
  }
}

/** Decorated methods are known once their modules have been imported. */
async function importApp(file: string): Promise<void> {
  const { ConfigurationError } = await import("../index.js");
  const context = { file };
  if (!existsSync(file)) {
    throw new ConfigurationError(
      `The application's module ${file} does not exist. Correct \`--app\`, or \`app\` in the configuration.`,
      {
        code: "MLMCP_APP_NOT_FOUND",
        context,
      },
    );
  }
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(`The application's module ${file} failed while it was imported: ${reason}`, {
      code: "MLMCP_APP_FAILED",
      cause: error,
      context,
      suggestions: ["Name a module that only imports the application's classes, and does not start it."],
    });
  }
}
