import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect } from "vitest";
import { SqliteStore } from "../../../src/stores/sqlite/sqlite-store.js";
import { ask } from "./opening.js";
import type { Span } from "./store.child.js";
import { isValueOf, textOfValue } from "./values.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
// Below the package, so that its dependencies are found.
const bundle = here(`../../../node_modules/.cache/store-child-${process.pid}`);
const program = join(bundle, "store.child.mjs");

/** Compiles the processes of the trials before the tests of a file, and removes them afterwards. */
export function useProcesses(): void {
  beforeAll(() =>
    build({
      entryPoints: [here("store.child.ts")],
      outdir: bundle,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      packages: "external",
      format: "esm",
      platform: "node",
    }),
  );
  afterAll(() => rmSync(bundle, { recursive: true, force: true }));
}

async function run(...args: (string | number)[]): Promise<string> {
  const options = { maxBuffer: 1024 ** 3 };
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args.map(String)], options);
  return stdout;
}

interface LoadReport {
  readonly acknowledged: Record<string, string>;
  readonly wrong: string[];
  readonly sets: number;
  readonly gets: number;
  /** Of one that does nothing else. */
  readonly reads: readonly Span[];
  readonly getP99: number;
  readonly slowestGet: number;
  readonly slowestTurn: number;
  readonly longestHold: number;
}

export interface LoadSummary {
  readonly sets: number;
  readonly gets: number;
  /** That began and ended while another process held the lock, of the process that has the fewest. */
  readonly getsWhileHeld: number;
  /** Of the slowest process. Milliseconds. */
  readonly getP99: number;
  readonly slowestGet: number;
  /** Of the event loop, as the clock tells it. */
  readonly slowestTurn: number;
  /** The same, less what the process waited for a processor and the garbage collector. */
  readonly longestHold: number;
  /** The same of a process that uses the thread pool as much, and no store: what the machine makes of it. */
  readonly controlHold: number;
}

/**
 * Processes that set and get on one file, while another holds the write lock again and again.
 * Expects that no acknowledged set is lost and no value wrong.
 */
export async function loadTrial(
  file: string,
  { processes, ms, holdMs, pauseMs }: Record<"processes" | "ms" | "holdMs" | "pauseMs", number>,
): Promise<LoadSummary> {
  await (await SqliteStore.open(file)).close();
  const holder = startHolder(file, holdMs, pauseMs);
  const control = run("control", file, ms);
  const loads = Array.from({ length: processes }, (_, at) => run("load", file, `p${at}`, ms));
  const reports = (await Promise.all(loads)).map((output) => JSON.parse(output) as LoadReport);
  const holds = await holder.end();
  const { longestHold: controlHold } = JSON.parse(await control) as { longestHold: number };
  const store = await SqliteStore.open(file);
  try {
    for (const { acknowledged, wrong } of reports) {
      expect(wrong).toEqual([]);
      const keys = Object.keys(acknowledged);
      const found = await store.getMany(keys);
      expect(found.map((entry) => entry && Buffer.from(entry.bytes).toString())).toEqual(
        Object.values(acknowledged),
      );
    }
    expect(await store.file.verify()).toEqual([]);
  } finally {
    await store.close();
  }
  const most = (name: "getP99" | "slowestGet" | "slowestTurn" | "longestHold"): number =>
    Math.max(...reports.map((report) => report[name]));
  return {
    sets: reports.reduce((sum, { sets }) => sum + sets, 0),
    gets: reports.reduce((sum, { gets }) => sum + gets, 0),
    getsWhileHeld: Math.min(
      ...reports.map(
        ({ reads }) => reads.filter((read) => holds.some((held) => isWithin(read, held))).length,
      ),
    ),
    getP99: most("getP99"),
    slowestGet: most("slowestGet"),
    slowestTurn: most("slowestTurn"),
    longestHold: most("longestHold"),
    controlHold,
  };
}

function isWithin([begun, ended]: Span, [from, to]: Span): boolean {
  return begun >= from && ended <= to;
}

/** A process that holds the write lock again and again. Its end answers when it did. */
function startHolder(file: string, holdMs: number, pauseMs: number) {
  const args = [program, "hold", file, String(holdMs), String(pauseMs)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  const closed = once(child, "close");
  return {
    async end(): Promise<Span[]> {
      child.kill("SIGKILL");
      await closed;
      return output
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Span);
    },
  };
}

/** Processes that open files which do not exist, all at once. Expects every file complete, with what each has set. Answers how many are. */
export async function birthTrial(directory: string, files: number, processes: number): Promise<number> {
  await Promise.all(Array.from({ length: processes }, () => run("birth", directory, files)));
  const names = Array.from({ length: files }, (_, at) => `${at}.db`);
  // Two that close a file at the same time may leave its log, which is not an error.
  const left = readdirSync(directory).filter((name) => !/-(wal|shm)$/.test(name));
  expect(left.sort()).toEqual(names.toSorted());
  const questions = ["journal_mode", "auto_vacuum", "user_version", "application_id"].map(
    (name) => `PRAGMA ${name}`,
  );
  for (const name of names) {
    const answers = await ask(join(directory, name), ...questions, "SELECT count(*) FROM entries");
    expect([name, ...answers]).toEqual([name, "wal", 2, 3, 0x6d6c6d63, processes]);
  }
  return names.length;
}

/**
 * Kills one of several processes in the middle of its writes, again and again. Expects that what
 * it was told is there, that nothing wrong is, and that the file is sound. Answers how many sets
 * were acknowledged.
 */
export async function killTrial(file: string, times: number, others = 1): Promise<number> {
  let sets = 0;
  for (let time = 0; time < times; time++) {
    const writers = await Promise.all(
      Array.from({ length: 1 + others }, (_, at) => startWriter(file, `w${at}`)),
    );
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
    for (const writer of writers) await writer.kill();
    const store = await SqliteStore.open(file);
    try {
      for (const { told } of writers) {
        for (const [key, { tried, acknowledged }] of told()) {
          const entry = await store.get(key);
          const text = entry && Buffer.from(entry.bytes).toString();
          sets += acknowledged + 1;
          if (text === undefined) expect([key, acknowledged]).toEqual([key, -1]);
          else {
            expect([key, isValueOf(key, text)]).toEqual([key, true]);
            const turn = Number(textOfValue(key, text).split(" ")[0]);
            expect([acknowledged, tried]).toContain(turn);
          }
        }
      }
      expect(await store.file.verify()).toEqual([]);
      await store.clear();
    } finally {
      await store.close();
    }
  }
  return sets;
}

interface Told {
  tried: number;
  acknowledged: number;
}

async function startWriter(file: string, name: string) {
  const child = spawn(process.execPath, [program, "write", file, name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  await once(child.stdout, "data");
  return {
    async kill(): Promise<void> {
      child.kill("SIGKILL");
      await once(child, "close");
    },
    /** The last turn that each key was tried in, and the last that was acknowledged. */
    told(): Map<string, Told> {
      const told = new Map<string, Told>();
      for (const line of output.split("\n").slice(0, -1)) {
        const [what, key, turn] = line.split(" ") as [string, string, string];
        const of = told.get(key) ?? { tried: -1, acknowledged: -1 };
        told.set(key, of);
        if (what === "ok") of.acknowledged = Number(turn);
        else of.tried = Number(turn);
      }
      return told;
    },
  };
}
