import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const configuration = fileURLToPath(new URL("../.mlmcprc.yaml", import.meta.url));

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built application as its users do. */
export async function runApplication(args: readonly string[], { cwd }: { cwd?: string } = {}): Promise<Run> {
  if (!existsSync(main))
    throw new Error(`${main} is missing: build the workspace first (\`npm run build\`).`);
  const child = spawn(process.execPath, [main, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => (texts[name] += text));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, ...texts };
}

/** A directory that is gone after the test, or where asked for outside of one, when `remove` is called. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "dataset-analyst-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A configuration of the test's own, whose cache and models are in its directory too. */
export async function configFile(content: string): Promise<string> {
  const file = join(await temporaryDirectory(), "config.yaml");
  await writeFile(file, content);
  return file;
}

/** The application's own configuration with some lines replaced. */
export async function changedConfig(change: (content: string) => string): Promise<string> {
  return configFile(change(await readFile(configuration, "utf8")));
}
