import { readFileSync, writeSync } from "node:fs";
import { stat } from "node:fs/promises";
import { monitorEventLoopDelay, performance, PerformanceObserver } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { Connection } from "../../../src/stores/sqlite/connection.js";
import { SqliteStore } from "../../../src/stores/sqlite/sqlite-store.js";
import { isValueOf, valueOf } from "./values.js";

/**
 * One process of the trials with several:
 * - `load <file> <name> <ms>` sets and gets, eight at a time, beside them one that only gets, and prints what came of it;
 * - `control <file> <ms>` asks for the file's status, eight at a time, and prints how long its event loop stood still;
 * - `hold <file> <ms> <pause>` holds the write lock again and again and prints each time, until it is killed;
 * - `birth <directory> <files>` opens files that do not exist yet, and sets in each;
 * - `write <file> <name>` prints each set that was acknowledged, until it is killed.
 */
const roles: Record<string, (...args: string[]) => Promise<void>> = { load, control, hold, birth, write };
const [, , role = "", ...args] = process.argv;
await roles[role]!(...args);

/** Of something that took time: when it began and when it ended, by the {@link clock}. */
export type Span = readonly [begun: number, ended: number];

/** Milliseconds that several processes can compare. */
function clock(): number {
  return performance.timeOrigin + performance.now();
}

function entry(text: string) {
  return { operation: "Load.test", bytes: Buffer.from(text), expires: Date.now() + 3_600_000 };
}

async function load(file: string, name: string, ms: string): Promise<void> {
  const store = await SqliteStore.open(file, { onError: (error) => console.error(error) });
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const held = watchTurns();
  const until = performance.now() + Number(ms);
  const acknowledged: Record<string, string> = {};
  const wrong: string[] = [];
  const gets: number[] = [];
  const reads: Span[] = [];
  let sets = 0;
  const timedGet = async (key: string): Promise<string | undefined> => {
    const started = performance.now();
    const found = await store.get(key);
    gets.push(performance.now() - started);
    return found && Buffer.from(found.bytes).toString();
  };
  // Those that set wait while the lock is held.
  const reader = async (): Promise<void> => {
    for (let turn = 0; performance.now() < until; turn++) {
      const begun = clock();
      await timedGet(`shared:${turn % 100}`);
      reads.push([begun, clock()]);
      await pause(5);
    }
  };
  const worker = async (at: number): Promise<void> => {
    for (let turn = 0; performance.now() < until; turn++) {
      // Keys of its own, which nobody else writes …
      const own = `${name}:${at}:${turn % 200}`;
      const text = valueOf(own, `${turn}`);
      await store.set(own, entry(text));
      acknowledged[own] = text;
      if ((await timedGet(own)) !== text) wrong.push(own);
      // … and keys that everybody writes.
      const shared = `shared:${turn % 100}`;
      await store.set(shared, entry(valueOf(shared, `${name} ${at} ${turn}`)));
      const found = await timedGet(shared);
      if (found === undefined || !isValueOf(shared, found)) wrong.push(shared);
      sets += 2;
    }
  };
  await Promise.all([reader(), ...Array.from({ length: 8 }, (_, at) => worker(at))]);
  delay.disable();
  await store.close();
  gets.sort((one, other) => one - other);
  console.log(
    JSON.stringify({
      acknowledged,
      wrong,
      sets,
      gets: gets.length,
      reads,
      getP99: gets[Math.floor(gets.length * 0.99)],
      slowestGet: gets.at(-1),
      slowestTurn: delay.max / 1e6,
      longestHold: held(),
    }),
  );
}

async function control(file: string, ms: string): Promise<void> {
  const held = watchTurns();
  const until = performance.now() + Number(ms);
  const worker = async (): Promise<void> => {
    while (performance.now() < until) await stat(file);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  console.log(JSON.stringify({ longestHold: held() }));
}

/**
 * Measures how long the event loop stands still at most, less what the thread waited for a
 * processor or for the garbage collector, whose threads wait for one too: on a busy machine both
 * take longer than anything that a store does. Milliseconds.
 */
function watchTurns(): () => number {
  const interval = 5;
  const turns: { end: number; took: number; held: number }[] = [];
  const collections: { startTime: number; duration: number }[] = [];
  const observer = new PerformanceObserver((list) => void collections.push(...list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  let waited = waitedForProcessor();
  let last = performance.now();
  const timer = setInterval(() => {
    const [now, waitedNow] = [performance.now(), waitedForProcessor()];
    const took = now - last;
    if (took > 20) turns.push({ end: now, took, held: took - interval - (waitedNow - waited) });
    [last, waited] = [now, waitedNow];
  }, interval);
  return () => {
    clearInterval(timer);
    collections.push(...observer.takeRecords());
    observer.disconnect();
    const holds = turns.map(({ end, took, held }) => {
      const within = collections.filter(({ startTime }) => startTime > end - took && startTime < end);
      return held - within.reduce((sum, { duration }) => sum + duration, 0);
    });
    return Math.max(0, ...holds);
  };
}

/** Linux tells of each thread, in nanoseconds; the main one has the process's id. Elsewhere it counts as none. */
function waitedForProcessor(): number {
  if (process.platform !== "linux") return 0;
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "latin1").split(" ")[1]) / 1e6;
}

async function hold(file: string, ms: string, between: string): Promise<void> {
  const connection = await Connection.open(file, { busyTimeout: 60_000 });
  for (;;) {
    await connection.all("BEGIN IMMEDIATE");
    const begun = clock();
    await pause(Number(ms));
    const held: Span = [begun, clock()];
    await connection.all("COMMIT");
    console.log(JSON.stringify(held));
    await pause(Number(between));
  }
}

async function birth(directory: string, files: string): Promise<void> {
  for (let at = 0; at < Number(files); at++) {
    const store = await SqliteStore.open(`${directory}/${at}.db`);
    await store.set(`k${process.pid}`, entry("v"));
    await store.close();
  }
}

async function write(file: string, name: string): Promise<void> {
  const store = await SqliteStore.open(file);
  for (let turn = 0; ; turn++) {
    await Promise.all(
      Array.from({ length: 16 }, async (_, at) => {
        const key = `${name}:${at}`;
        const text = valueOf(key, `${turn} ${"x".repeat((turn * 37 + at) % 3_000)}`);
        // Told by file descriptor: what was acknowledged is known even when the process is killed at once.
        writeSync(1, `try ${key} ${turn}\n`);
        await store.set(key, entry(text));
        writeSync(1, `ok ${key} ${turn}\n`);
      }),
    );
  }
}
