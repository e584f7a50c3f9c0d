import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { createKernel, type Kernel } from "@mlmcp/core";
import { cachePlugin } from "@mlmcp/plugin-cache";
import { onTestFinished } from "vitest";
import { run } from "../../../core/src/cli/run.js";
import { temporaryDirectory } from "../temporary.js";

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Config {
  readonly cache?: object;
  readonly system?: object;
  readonly performance?: object;
}

/** A directory with a configuration, in which commands are run and an application is. */
export class Shell {
  readonly cwd = temporaryDirectory();
  /** Of the commands. */
  env: Record<string, string> = {};

  constructor(config: Config = {}) {
    this.configure(config);
  }

  configure({ cache, ...config }: Config): void {
    const app = fileURLToPath(new URL("./fixtures/app.ts", import.meta.url));
    const text = JSON.stringify({ app, cache: { store: "sqlite://cache.db", ...cache }, ...config });
    writeFileSync(join(this.cwd, ".mlmcprc.json"), text);
  }

  path(name: string): string {
    return join(this.cwd, name);
  }

  /** The application itself, beside the commands. */
  async kernel(): Promise<Kernel> {
    const kernel = await createKernel({ cwd: this.cwd, env: {}, plugins: [cachePlugin] });
    onTestFinished(() => kernel.stop());
    return kernel;
  }

  /** Runs a command line in this process. */
  async run(
    args: readonly string[],
    { isTTY = false, answers = [] as readonly string[] } = {},
  ): Promise<Run> {
    const written = { out: "", err: "" };
    const stdin = Object.assign(new PassThrough(), { isTTY });
    stdin.end(answers.map((answer) => `${answer}\n`).join(""));
    const code = await run(args, {
      stdin,
      stdout: { write: (text) => (written.out += text), isTTY },
      stderr: { write: (text) => (written.err += text), isTTY },
      cwd: this.cwd,
      env: this.env,
    });
    return { code, ...written };
  }

  async json<T>(args: readonly string[]): Promise<T> {
    const { code, out, err } = await this.run([...args, "--json"]);
    if (code !== 0) throw new Error(err);
    return JSON.parse(out) as T;
  }
}
