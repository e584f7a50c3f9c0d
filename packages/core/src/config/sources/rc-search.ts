import { existsSync } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { ConfigurationError } from "../../errors/index.js";
import { warnOnce } from "../warnings.js";
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
 * holds `.git`) or the home directory. A file in a directory that anybody may write to, such as
 * `/tmp`, may be a stranger's, and what it names would be executed: in the first directory one is
 * an error, for what was to be configured would not be; a directory above ends the search.
 *
 * @throws ConfigurationError `MLMCP_CONFIG_UNTRUSTED`
 */
export async function findRcFile(cwd: string): Promise<FoundFile | undefined> {
  const home = await realpath(homedir()).catch(() => homedir());
  const start = resolve(cwd);
  for (let directory = start; ; directory = dirname(directory)) {
    const [first, ...ignored] = await rcFilesIn(directory);
    if (first !== undefined) {
      const file = join(directory, first);
      if (!(await isOpenToAll(directory))) return { file, ignored };
      if (directory === start) throw untrusted(file, directory);
      warnOnce("MLMCP_CONFIG_UNTRUSTED", `${untrusted(file, directory).message} It is not read.`);
      return undefined;
    }
    const above = dirname(directory);
    const ends = directory === home || above === directory || existsSync(join(directory, ".git"));
    if (ends || (directory !== start && (await isOpenToAll(directory)))) return undefined;
  }
}

/** The names of a directory's configurations, the one that is used first. */
export async function rcFilesIn(directory: string): Promise<string[]> {
  const names = new Set(await readdir(directory).catch(() => []));
  const present: string[] = [];
  for (const name of rcFileNames) {
    if (!names.has(name)) continue;
    if (name !== "package.json" || (await mentionsUs(join(directory, name)))) present.push(name);
  }
  return present;
}

function untrusted(file: string, directory: string): ConfigurationError {
  return new ConfigurationError(
    `${file} may be anybody's: everyone may write to ${directory}, and a configuration names code that is run. ` +
      `If it is yours, name it (\`configFile\`, or \`--config ${file}\`), or close the directory (\`chmod o-w ${directory}\`).`,
    { code: "MLMCP_CONFIG_UNTRUSTED", context: { file, directory } },
  );
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
