import { readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Connection } from "./connection.js";
import { codeOf, isDamage, OccupiedPathError, warn } from "./errors.js";
import { companions } from "./file-birth.js";
import { withFileLock } from "./file-lock.js";
import { identityOf, isSame, type Identity } from "./identity.js";
import { applicationId } from "./schema.js";

/** How many of those that were set aside stay, for whoever wants to know what was in them. */
const keptAside = 3;
const busyTimeout = 1_000;

/**
 * Moves a file that cannot be used to `<file>.corrupt-<time>`, with what SQLite keeps beside it,
 * and warns. Without effect where another file stands at the path by now: somebody else has done it.
 * Of those that were set aside the newest three stay.
 *
 * @throws OccupiedPathError for a sound database of another program, which stays where it is
 * @throws Error where the directory does not allow it
 */
export async function setAside(file: string, identity: Identity, reason: string): Promise<void> {
  await withFileLock(file, async () => {
    if (!isSame(identity, await identityOf(file))) return;
    await refuseOthers(file);
    const to = await freeName(`${file}.corrupt-${new Date().toISOString().replaceAll(/[-:]/g, "")}`);
    // First, since they must never stand beside the file that comes next.
    for (const suffix of companions) await renameIfThere(file + suffix, to + suffix);
    await rename(file, to);
    await removeOldest(file);
    warn(
      `The cache file ${file} cannot be used (${reason}). It now is ${to}, and an empty one takes its place.`,
    );
  });
}

/** @throws OccupiedPathError for a sound database that holds what is not ours */
async function refuseOthers(file: string): Promise<void> {
  const tables = await tablesOfOthers(file).catch((error: unknown) => {
    if (isDamage(error)) return [];
    throw error;
  });
  if (tables.length === 0) return;
  const named = tables.slice(0, 3).join(", ");
  const more = tables.length > 3 ? `, … (${tables.length} in all)` : "";
  throw new OccupiedPathError(
    `${file} is a database of another program, with the table${tables.length > 1 ? "s" : ""} ${named}${more}`,
  );
}

async function tablesOfOthers(file: string): Promise<string[]> {
  const connection = await Connection.open(file, { busyTimeout });
  try {
    if ((await connection.value("PRAGMA application_id")) === applicationId) return [];
    const rows = await connection.all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
    return rows.map(({ name }) => String(name));
  } finally {
    await connection.close();
  }
}

async function removeOldest(file: string): Promise<void> {
  const beginning = `${basename(file)}.corrupt-`;
  const time = /^\d{8}T\d{6}\.\d{3}Z(?:-\d+)?/;
  const byTime = new Map<string, string[]>();
  for (const name of await readdir(dirname(file))) {
    const [at] = (name.startsWith(beginning) && time.exec(name.slice(beginning.length))) || [];
    if (at !== undefined) byTime.set(at, [...(byTime.get(at) ?? []), name]);
  }
  const newestFirst = [...byTime.keys()].sort((one, other) =>
    other.localeCompare(one, "en", { numeric: true }),
  );
  for (const at of newestFirst.slice(keptAside))
    for (const name of byTime.get(at)!) await rm(join(dirname(file), name), { force: true });
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

async function freeName(wanted: string): Promise<string> {
  for (let count = 1; ; count++) {
    const name = count === 1 ? wanted : `${wanted}-${count}`;
    if (!(await identityOf(name))) return name;
  }
}
