import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { SqliteAdapter } from "@mlmcp/plugin-cache/sqlite";
import { Keyv } from "keyv";
import type { Contender } from "../../harness/case.js";
import {
  KEYS,
  keyOf,
  keyvSubject,
  managerSubject,
  storeContenders,
  TTL_MS,
  type Delay,
  type Places,
  type Run,
  type Subject,
} from "./stored.js";

export const REFERENCE = "keyv with @keyv/sqlite";
export const ADAPTER = "keyv with SqliteAdapter";

const directories: Places = {
  subjects: {
    [REFERENCE]: async (directory) =>
      keyvSubject(
        new Keyv<Delay>({ store: new KeyvSqlite({ uri: join(directory, "plain.db") }), ttl: TTL_MS }),
      ),
    [ADAPTER]: async (directory) =>
      keyvSubject(
        new Keyv<Delay>({ store: await SqliteAdapter.open(join(directory, "ours.db")), ttl: TTL_MS }),
      ),
    "CacheManager, next to nothing in memory": (directory) =>
      managerSubject(`sqlite://${join(directory, "manager.db")}`),
  },
  async open() {
    const place = mkdtempSync(join(tmpdir(), "mlmcp-sqlite-"));
    return { place, close: () => rmSync(place, { recursive: true, force: true }) };
  },
  delay,
};

let made = 0;

/** Never the same twice: SQLite does not write what stands there already. */
function delay(at: number): Delay {
  made += 1;
  return {
    airport: `K${at & (KEYS - 1)}`,
    mean: made + 0.5,
    hours: [made, at, made % 24, 7, 11, 13, 17, 19, 23],
  };
}

/** What stores on SQLite do with the same values, one file each. */
export function sqliteContenders(run: Run): Contender[] {
  return storeContenders(directories, run);
}

export async function setOne({ set }: Subject, at: number): Promise<unknown> {
  return set(keyOf(at), delay(at));
}
