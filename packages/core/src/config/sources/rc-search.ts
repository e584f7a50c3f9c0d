import { readdir, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { readBounded } from "./read-file.js";

/** File names that hold a configuration; the first that a directory has is used. */
const rcFileNames: readonly string[] = [
  ".mlmcprc",
  ".mlmcprc.yaml",
  ".mlmcprc.yml",
  ".mlmcprc.json",
  ".mlmcprc.js",
  ".mlmcprc.ts",
  ".mlmcprc.mjs",
  "mlmcp.config.ts",
  "mlmcp.config.js",
  "mlmcp.config.mjs",
  "mlmcp.config.json",
  "mlmcp.config.yaml",
  "package.json",
];

/** The rc file of a directory or of the nearest one above it, and files beside it that are not read. */
interface FoundFile {
  readonly file: string;
  readonly ignored: readonly string[];
}

/**
 * Looks for the rc file from a directory upwards, as far as the repository (the directory that
 * holds `.git`) or the home directory. A directory above that anybody may write to, such as
 * `/tmp`, ends the search: a file there may be a stranger's, and a `.js` would be executed.
 */
export async function findRcFile(cwd: string): Promise<FoundFile | undefined> {
  const home = await realpath(homedir()).catch(() => homedir());
  for (let directory = resolve(cwd); ; directory = dirname(directory)) {
    const names = new Set(await readdir(directory).catch(() => []));
    const present: string[] = [];
    for (const name of rcFileNames) {
      if (!names.has(name)) continue;
      if (name !== "package.json" || (await mentionsUs(join(directory, name)))) present.push(name);
    }
    const [first, ...ignored] = present;
    if (first !== undefined) return { file: join(directory, first), ignored };
    const above = dirname(directory);
    if (names.has(".git") || directory === home || above === directory || (await isOpenToAll(above)))
      return undefined;
  }
}

/** Only a `package.json` with our key counts; one that cannot be read is npm's concern. */
async function mentionsUs(file: string): Promise<boolean> {
  try {
    return Object.hasOwn(JSON.parse((await readBounded(file)).replace(/^\uFEFF/, "")) as object, "mlmcp");
  } catch {
    return false;
  }
}

async function isOpenToAll(directory: string): Promise<boolean> {
  // Windows has no such bits: Node reports every directory as open.
  if (process.platform === "win32") return false;
  return ((await stat(directory)).mode & 0o002) !== 0;
}
