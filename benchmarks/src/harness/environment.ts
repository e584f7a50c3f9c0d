import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, loadavg, totalmem, type as system } from "node:os";
import { fileURLToPath } from "node:url";

/** Where, when and with what was measured. */
export interface Environment {
  readonly date: string;
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  /** Processes that wanted to run, averaged over a minute, at the beginning and at the end. Above `cores`, others were in the way. */
  readonly load: { readonly before: number; readonly after: number };
  /** Pinned versions of the peers. */
  readonly packages: Readonly<Record<string, string>>;
}

const packageFolder = fileURLToPath(new URL("../../", import.meta.url));

/** @returns a function that completes the description once the measuring is over */
export function observeEnvironment(): () => Environment {
  const before = load();
  return () => ({
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${system()} ${arch()}`,
    node: process.versions.node,
    v8: process.versions.v8,
    load: { before, after: load() },
    packages: peers(),
  });
}

function load(): number {
  return Math.round(loadavg()[0]! * 10) / 10;
}

function commit(): string {
  const git = (...args: string[]) =>
    execFileSync("git", args, {
      cwd: packageFolder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    return `${git("rev-parse", "--short=10", "HEAD")}${git("status", "--porcelain") === "" ? "" : " and changes that are not committed"}`;
  } catch {
    // A copy without its history, or a machine without git.
    return "unknown";
  }
}

function peers(): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(`${packageFolder}package.json`, "utf8")) as {
    dependencies: Record<string, string>;
  };
  return Object.fromEntries(Object.entries(dependencies).filter(([name]) => !name.startsWith("@mlmcp/")));
}
