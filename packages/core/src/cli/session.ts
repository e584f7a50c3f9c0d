import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Kernel } from "../kernel/kernel.js";
import type { CommandContext, GlobalOptions } from "./context.js";
import { UsageError } from "./failure.js";
import type { Questions } from "./questions.js";
import { painter, type Paint, type Terminal } from "./terminal.js";

/** One run of the command line: loads the application and the kernel when a command needs them. */
export class Session implements CommandContext {
  readonly terminal: Terminal;
  readonly paint: Paint;
  options: GlobalOptions = {};
  #kernel: Promise<Kernel> | undefined;
  #questions: Questions | undefined;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
    this.paint = painter(terminal.stdout, terminal.env);
  }

  get place(): CommandContext["place"] {
    const configFile = this.#configFile;
    return { cwd: this.#cwd, env: this.terminal.env, ...(configFile === undefined ? {} : { configFile }) };
  }

  async importApp(configured?: { readonly app: string | undefined }): Promise<void> {
    const app = await this.#app(configured);
    if (app !== undefined) await importModule(app);
  }

  async appNamed(): Promise<boolean> {
    return (await this.#app()) !== undefined;
  }

  kernel(): Promise<Kernel> {
    return (this.#kernel ??= this.#open());
  }

  get interactive(): boolean {
    const { stdin, stderr } = this.terminal;
    return this.options.yes !== true && stdin.isTTY === true && stderr.isTTY === true;
  }

  async ask(question: string, fallback: string): Promise<string> {
    if (!this.interactive) return fallback;
    const { Questions } = await import("./questions.js");
    this.#questions ??= new Questions(this.terminal);
    return (await this.#questions.ask(question)) || fallback;
  }

  async confirm(loss: string): Promise<void> {
    const { confirm } = await import("./confirm.js");
    await confirm(this, loss);
  }

  print(text: string): void {
    if (text !== "") this.terminal.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** Stops the kernel, if one has started. */
  async close(): Promise<void> {
    this.#questions?.close();
    const kernel = await this.#kernel?.catch(() => undefined);
    await kernel?.stop();
  }

  get #cwd(): string {
    const directory = resolve(this.terminal.cwd, this.options.cwd ?? "");
    const found = statSync(directory, { throwIfNoEntry: false });
    if (found === undefined)
      throw new UsageError(`the directory ${directory} does not exist`, "Correct --cwd.");
    if (!found.isDirectory()) throw new UsageError(`${directory} is no directory`, "Correct --cwd.");
    return directory;
  }

  get #configFile(): string | undefined {
    // From where the command was typed, as every other path on a command line.
    return this.options.config === undefined ? undefined : resolve(this.terminal.cwd, this.options.config);
  }

  async #app(configured?: { readonly app: string | undefined }): Promise<string | undefined> {
    if (this.options.app !== undefined) return resolve(this.terminal.cwd, this.options.app);
    if (configured !== undefined) return configured.app;
    const { readSources } = await import("../index.js");
    return (await readSources(this.place)).app;
  }

  async #open(): Promise<Kernel> {
    const { createKernel, TOOL } = await import("../index.js");
    await this.importApp();
    const kernel = await createKernel({ ...this.place, start: false });
    kernel.services.value(TOOL, true);
    return kernel;
  }
}

/** Decorated methods are known once their modules have been imported. */
async function importModule(file: string): Promise<void> {
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
  const { write } = process.stdout;
  // What it prints while it is imported would mix with the command's output, and break its JSON.
  process.stdout.write = process.stderr.write.bind(process.stderr);
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(`The application's module ${file} failed while it was imported: ${reason}`, {
      code: "MLMCP_APP_FAILED",
      cause: error,
      context,
      suggestions: suggestionsFor(error, file),
    });
  } finally {
    process.stdout.write = write;
  }
}

const build =
  'Build it and name the output, such as "./dist/app.js"; or let Node read TypeScript: ' +
  'NODE_OPTIONS="--import tsx" npx mlmcp ...';
const debug = "Run it with --debug for the stack trace.";

/**
 * What may help where a module failed. Node reads no TypeScript, or only what it can strip the types
 * from, which leaves out decorators and imports of `.js` that are `.ts`.
 */
function suggestionsFor(error: unknown, file: string): string[] {
  const code = String((error as NodeJS.ErrnoException | null | undefined)?.code);
  if (code === "ERR_UNKNOWN_FILE_EXTENSION" || code.includes("TYPESCRIPT")) return [build];
  if (error instanceof SyntaxError) {
    const place = placeOf(error);
    if (isTypeScript(place ?? file)) return [build];
    return [`Mend the syntax of ${place ?? `it or of what it imports. Is that TypeScript? ${build}`}`, debug];
  }
  if (isTypeScript(file) && code === "ERR_MODULE_NOT_FOUND") return [build];
  return ["Name a module that only imports the application's classes, and does not start it.", debug];
}

function isTypeScript(file: string): boolean {
  return /\.[cm]?tsx?$/.test(file);
}

/** The module that is not written as one, where Node says so: not of an ECMAScript module that another imports. */
function placeOf({ stack = "" }: SyntaxError): string | undefined {
  return /^(\S.*):\d+\n/.exec(stack)?.[1];
}
