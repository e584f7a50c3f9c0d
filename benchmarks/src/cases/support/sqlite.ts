import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import cachePlugin, { CacheManager } from "@mlmcp/plugin-cache";
import { SqliteAdapter } from "@mlmcp/plugin-cache/sqlite";
import { Keyv } from "keyv";
import type { Contender } from "../../harness/case.js";
import { leaveKernel, useKernel } from "./kernel.js";

interface Delay {
  readonly airport: string;
  readonly mean: number;
  readonly hours: readonly number[];
}

/** As many different keys take turns. A power of two. */
const KEYS = 1_024;
const TTL_MS = 3_600_000;

let made = 0;

/** Some 150 bytes as JSON, never the same twice: SQLite does not write what stands there already. */
function delay(at: number): Delay {
  made += 1;
  return {
    airport: `K${at & (KEYS - 1)}`,
    mean: made + 0.5,
    hours: [made, at, made % 24, 7, 11, 13, 17, 19, 23],
  };
}

interface Subject {
  set(key: string, value: Delay): Promise<unknown>;
  get(key: string): Promise<Delay | undefined>;
  dispose(): Promise<unknown>;
}

const subjects: Record<string, (directory: string) => Promise<Subject>> = {
  async "keyv with @keyv/sqlite"(directory) {
    const keyv = new Keyv<Delay>({
      store: new KeyvSqlite({ uri: join(directory, "plain.db") }),
      ttl: TTL_MS,
    });
    return {
      set: (...args) => keyv.set(...args),
      get: (key) => keyv.get(key),
      dispose: () => keyv.disconnect(),
    };
  },
  async "keyv with SqliteAdapter"(directory) {
    const keyv = new Keyv<Delay>({
      store: await SqliteAdapter.open(join(directory, "ours.db")),
      ttl: TTL_MS,
    });
    return {
      set: (...args) => keyv.set(...args),
      get: (key) => keyv.get(key),
      dispose: () => keyv.disconnect(),
    };
  },
  async "CacheManager, next to nothing in memory"(directory) {
    const store = `sqlite://${join(directory, "manager.db")}`;
    const kernel = await useKernel([cachePlugin], { cache: { store, ttl: TTL_MS, maxEntries: 1 } });
    const manager = kernel.resolve(CacheManager);
    return {
      set: (...args) => manager.set(...args),
      get: (key) => manager.get<Delay>(key),
      dispose: leaveKernel,
    };
  },
};

export const REFERENCE = "keyv with @keyv/sqlite";

type Run = (subject: Subject, calls: number) => Promise<unknown>;

/** What stores on SQLite do with the same values, one file each. */
export function sqliteContenders(run: Run): Contender[] {
  return Object.entries(subjects).map(([name, open]) => ({
    name,
    async setup() {
      const directory = mkdtempSync(join(tmpdir(), "mlmcp-sqlite-"));
      const subject = await open(directory);
      for (let at = 0; at < KEYS; at += 1) await subject.set(keyOf(at), delay(at));
      return {
        run: (calls) => run(subject, calls),
        async check() {
          const value = { airport: "KX", mean: 0.5, hours: [1, 2, 3] };
          await subject.set("check", value);
          return { found: await subject.get("check"), missing: await subject.get("none") };
        },
        async dispose() {
          await subject.dispose();
          rmSync(directory, { recursive: true, force: true });
        },
      };
    },
  }));
}

export async function setOne({ set }: Subject, at: number): Promise<unknown> {
  return set(keyOf(at), delay(at));
}

export async function getOne({ get }: Subject, at: number): Promise<number> {
  return (await get(keyOf(at)))!.mean;
}

function keyOf(at: number): string {
  return `delays:${(at * 7) & (KEYS - 1)}`;
}
