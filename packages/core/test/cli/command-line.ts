import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { run } from "../../src/cli/run.js";
import { project } from "../config/project.js";

export const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Whether all three streams are a terminal. @default false, but true where there are answers */
  readonly isTTY?: boolean;
  /** What somebody types, a line for each question; then the input ends. */
  readonly answers?: readonly string[];
}

/** Runs a command line in this process, in a directory of its own unless one is given. */
export async function mlmcp(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const { cwd = project({ ".git/": "" }), env = {}, answers = [] } = options;
  const isTTY = options.isTTY ?? options.answers !== undefined;
  const written = { out: "", err: "" };
  const stdin = Object.assign(new PassThrough(), { isTTY });
  stdin.end(answers.map((answer) => `${answer}\n`).join(""));
  const code = await run(args, {
    stdin,
    stdout: { write: (text) => (written.out += text), isTTY },
    stderr: { write: (text) => (written.err += text), isTTY },
    cwd,
    env,
  });
  return { code, ...written };
}
