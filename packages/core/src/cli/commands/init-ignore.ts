import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Whether git leaves `.mlmcp/` of a directory alone: it is ignored, or there is no repository, or no git. */
export function isIgnored(directory: string): boolean {
  // Its own answer knows of every file that may say so, and of the user's settings.
  const { status } = spawnSync("git", ["check-ignore", "--quiet", "--no-index", ".mlmcp/audit.jsonl"], {
    cwd: directory,
    stdio: "ignore",
  });
  return status !== 1;
}

/** Adds `.mlmcp/` to the `.gitignore` of a directory. */
export async function ignore(directory: string): Promise<void> {
  const file = join(directory, ".gitignore");
  const before = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lineBreak = before.includes("\r\n") ? "\r\n" : "\n";
  const apart = before === "" || before.endsWith("\n") ? "" : lineBreak;
  await writeFile(file, `${apart}.mlmcp/${lineBreak}`, { flag: "a" });
}
