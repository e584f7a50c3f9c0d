// What all scripts share: where the repository is, how a command runs, and how a step is told.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** A command that ended with another exit code than 0. */
class CommandFailed extends Error {
  constructor(command, exitCode) {
    super(`\`${command}\` ended with exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Refuses a Node that is too old before anything fails for a less obvious reason. */
function requireNode() {
  const wanted = /(\d+)\.(\d+)/.exec(manifest.engines.node);
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > Number(wanted[1]) || (major === Number(wanted[1]) && minor >= Number(wanted[2]))) return;
  console.error(
    `Node ${manifest.engines.node} is needed; this is ${process.versions.node} (${process.execPath}).\n` +
      "Install a newer one, for example from https://nodejs.org, and run the command again.",
  );
  process.exit(1);
}

/**
 * Runs a command in the terminal that the script has, tools of the repository by their names.
 * A quiet one shows what it printed only where it fails.
 * @throws CommandFailed where it does not end with 0.
 */
export function run(command, args = [], { cwd = root, env = {}, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit",
      shell: process.platform === "win32",
      env: {
        ...process.env,
        PATH: [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter),
        ...env,
      },
    });
    const printed = [];
    child.stdout?.on("data", (chunk) => printed.push(chunk));
    child.stderr?.on("data", (chunk) => printed.push(chunk));
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) return resolve();
      process.stdout.write(Buffer.concat(printed));
      reject(new CommandFailed([command, ...args].join(" "), code ?? signal));
    });
  });
}

/** pnpm in the version that package.json pins; it need not be installed. */
export function pnpm(args, options) {
  return run("npx", ["-y", manifest.packageManager, ...args], options);
}

/** Tells what happens and how long it took; hands on what the work returns or throws. */
export async function step(name, work) {
  const began = performance.now();
  const took = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  console.log(`\n▸ ${name}`);
  try {
    const result = await work();
    console.log(`✓ ${name} (${took()})`);
    return result;
  } catch (error) {
    console.log(`✗ ${name} (${took()}): ${error instanceof CommandFailed ? error.message : error.stack}`);
    throw error;
  }
}

/** Runs a script to its end; a step that failed, told already, only gives the exit code. */
export async function main(work) {
  requireNode();
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CommandFailed)) console.error(error);
    process.exitCode = typeof error.exitCode === "number" ? error.exitCode : 1;
  }
}
