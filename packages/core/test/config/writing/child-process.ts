import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { onTestFinished } from "vitest";

/** Bundles a program of this folder, so that Node runs it as it is. Answers the file. */
export async function bundled(name: string, directory: string): Promise<string> {
  const outfile = join(directory, "child.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL(name, import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    mainFields: ["module", "main"],
    // The parts that are CommonJS call it.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return outfile;
}

/** A process of Node that does not outlive the test. */
export function start(...args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, args);
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  return child;
}

/** How a process ended, and what it said. */
export async function ending(
  child: ChildProcessWithoutNullStreams,
): Promise<{ code: number | null; err: string }> {
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, err };
}
