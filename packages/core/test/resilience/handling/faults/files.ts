import { execFile, spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import {
  chmod,
  link,
  mkdir,
  open,
  readFile,
  rmdir,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { promisify } from "node:util";
import type { Fault } from "./fault.js";

type At = (...names: string[]) => string;

const linux = process.platform === "linux";
const root = process.getuid?.() === 0;

/** Runs `"$@"` where only this process's children see it: no file can be written below /mnt. */
const underReadOnlyMount = [
  ...["unshare", "--map-root-user", "--mount", "/bin/sh", "-c"],
  ...['mount -t tmpfs -o ro none /mnt && exec "$@"', "sh"],
];
const mayMount =
  linux && spawnSync(underReadOnlyMount[0]!, [...underReadOnlyMount.slice(1), "true"]).status === 0;

/** Whether files cannot be moved from one to the other. */
const apart = (one: string, other: string): boolean =>
  existsSync(other) && statSync(one).dev !== statSync(other).dev;

/** Makes what the faults of files come from. */
export async function prepareFiles(at: At): Promise<void> {
  await writeFile(at("file"), "text");
  await mkdir(at("directory"));
  await writeFile(at("directory", "inside"), "");
  await symlink(at("circle"), at("circle"));
  // Everyone may look into the folder, nobody may read this.
  await writeFile(at("secret"), "text", { mode: 0o000 });
  await chmod(at(), 0o755);
  // Sparse: it takes no room.
  await writeFile(at("large"), "");
  await truncate(at("large"), 2 ** 31 + 1);
}

/** Throws what a script fails with in a process of its own, which a command such as a shell starts. */
async function failing(script: string, { by = [] as string[], uid = undefined as number | undefined } = {}) {
  const telling = `(async () => { ${script} })().catch(({ name, message, code, syscall, path }) => {
    process.stdout.write(JSON.stringify({ name, message, code, syscall, path }));
    process.exit();
  });`;
  const [command, ...args] = [...by, process.execPath, "-e", telling];
  const { stdout } = await promisify(execFile)(command!, args, uid === undefined ? {} : { uid });
  throw Object.assign(new Error("as told by the child"), JSON.parse(stdout) as object);
}

const withFewFiles = () =>
  failing('for (;;) require("node:fs").openSync("/dev/null");', {
    by: ["/bin/sh", "-c", 'ulimit -n 32; exec "$@"', "sh"],
  });

/** Root may read everything, and becomes somebody else. */
const readAsAnother = (path: string) =>
  failing(
    `await require("node:fs/promises").readFile(${JSON.stringify(path)});`,
    root ? { uid: 65_534 } : {},
  );

const writeWhereNobodyMay = () =>
  failing('await require("node:fs/promises").writeFile("/mnt/report.csv", "x");', { by: underReadOnlyMount });

async function fillTheDisk(): Promise<void> {
  const full = await open("/dev/full", "w");
  try {
    await full.write("x");
  } finally {
    await full.close();
  }
}

/** What a supervisor of processes meets. */
const childWithoutMemory = () =>
  promisify(execFile)(process.execPath, [
    "--max-old-space-size=16",
    "-e",
    "const all = []; for (;;) all.push(new Array(10_000).fill(0).map(() => ({})));",
  ]);

/** @param at a path in the folder that {@link prepareFiles} was given */
export const files = (at: At): Fault[] => [
  ["ENOENT", () => readFile(at("missing.csv")), "permanent", /missing\.csv exists and is spelt/],
  [
    "ENOENT of a program",
    () => promisify(execFile)("no-such-program-at-all"),
    "permanent",
    /Install the program no-such-program-at-all/,
  ],
  ["EISDIR", () => readFile(at("directory")), "permanent", /is a directory: name a file/],
  ["ENOTDIR", () => readFile(at("file", "below")), "permanent", /is a file and no directory/],
  ["EEXIST", () => mkdir(at("directory")), "permanent", /Remove .*directory first/],
  ["ENOTEMPTY", () => rmdir(at("directory")), "permanent", /Empty .*directory first/],
  ["ELOOP", () => stat(at("circle")), "permanent", /circle of symbolic links/],
  ["ENAMETOOLONG", () => stat(at("x".repeat(300))), "permanent", /Shorten the path/],
  [
    "EACCES: a file that may not be run",
    () => promisify(execFile)(at("file")),
    "permanent",
    /the right to .*file/,
  ],
  ["ERR_FS_FILE_TOO_LARGE", () => readFile(at("large")), "resource", /Process the data in parts/],
  ["the heap of a child", childWithoutMemory, "resource", /Process the data in parts/],
  ...(linux ? onLinux(at) : []),
  ...(linux && root
    ? ([
        ["EBUSY: a mount point", () => rmdir("/proc"), "transient", /Something else uses \/proc/],
      ] satisfies Fault[])
    : []),
  ...(apart(at(), "/dev/shm")
    ? ([
        ["EXDEV", () => link(at("file"), "/dev/shm/mlmcp-test"), "permanent", /Copy .*file and remove it/],
      ] satisfies Fault[])
    : []),
  ...(mayMount
    ? ([["EROFS", writeWhereNobodyMay, "permanent", /\/mnt\/report\.csv lies on a disk/]] satisfies Fault[])
    : []),
];

const onLinux = (at: At): Fault[] => [
  [
    "EPERM: a hard link to a directory",
    () => link(at("directory"), at("hard")),
    "permanent",
    /Give the user/,
  ],
  [
    "EACCES: a file that may not be read",
    () => readAsAnother(at("secret")),
    "permanent",
    /the right to .*secret/,
  ],
  ["EMFILE", withFewFiles, "resource", /limit of open files/],
  ["ENOSPC", fillTheDisk, "resource", /Free space where/],
];
