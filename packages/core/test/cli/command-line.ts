import { fileURLToPath } from "node:url";
import { run } from "../../src/cli/run.js";
import { project } from "../config/project.js";

export const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, in a directory of its own unless one is given. */
export async function mlmcp(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; isTTY?: boolean } = {},
): Promise<Run> {
  const { cwd = project({ ".git/": "" }), env = {}, isTTY = false } = options;
  const written = { out: "", err: "" };
  const code = await run(args, {
    stdout: { write: (text) => (written.out += text), isTTY },
    stderr: { write: (text) => (written.err += text), isTTY },
    cwd,
    env,
  });
  return { code, ...written };
}
