import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { CircuitOpenError, OperationTimeoutError } from "@mlmcp/core";
import { openStore } from "../../src/stores/open-store.js";
import { subject } from "../subject.js";
import { isValueOf, valueOf } from "./sqlite/values.js";

/**
 * One of several processes on one store, for {@link useProgram}:
 * - `stampede <url> <folder> <processes> <keys> <callers>` waits until so many have met in a folder, asks for every key
 *   with many callers at once, and prints which ones it made;
 * - `load <url> <name> <ms>` sets and gets, eight at a time, and prints what came of it. Calls that a busy machine
 *   was too slow for are no failures; what was to be set by them is not acknowledged.
 */
const roles: Record<string, (...args: string[]) => Promise<unknown>> = { stampede, load };
const [, , role = "", ...args] = process.argv;
console.log(JSON.stringify(await roles[role]!(...args)));

async function open(url: string) {
  const store = await openStore(url, "/", { onError: (error) => console.error(error) }, { timeout: 10_000 });
  return store!;
}

/** Returns in all processes at the same time, however long each took to start. */
async function meet(folder: string, processes: number): Promise<void> {
  writeFileSync(join(folder, String(process.pid)), "");
  const until = performance.now() + 120_000;
  while (readdirSync(folder).length < processes) {
    if (performance.now() > until) throw new Error("the others have not come");
    await pause(2);
  }
}

async function stampede(
  url: string,
  folder: string,
  processes: string,
  keys: string,
  callers: string,
): Promise<unknown> {
  const store = await open(url);
  const { call, cache, trace } = await subject({ store });
  await meet(folder, Number(processes));
  const made: number[] = [];
  const wrong: unknown[] = [];
  const ask = async (key: number): Promise<void> => {
    const value = await call(`k${key}`, async () => {
      made.push(key);
      await pause(50);
      return key;
    });
    if (value !== key) wrong.push([key, value]);
  };
  for (let key = 0; key < Number(keys); key++)
    await Promise.all(Array.from({ length: Number(callers) }, () => ask(key)));
  await cache.use(undefined);
  await store.close();
  return { made, wrong, failed: trace.filter((line) => line.startsWith("failed")) };
}

async function load(url: string, name: string, ms: string): Promise<unknown> {
  const store = await open(url);
  const until = performance.now() + Number(ms);
  const acknowledged: Record<string, string> = {};
  const wrong: string[] = [];
  const gets: number[] = [];
  const failed: string[] = [];
  const get = async (key: string): Promise<string | undefined> => {
    const started = performance.now();
    const found = await store.get(key);
    gets.push(performance.now() - started);
    return found && Buffer.from(found.bytes).toString();
  };
  const set = async (key: string, text: string): Promise<void> => {
    const expires = Date.now() + 3_600_000;
    await store.set(key, { operation: "Load.test", bytes: Buffer.from(text), expires });
  };
  const turnOf = async (at: number, turn: number): Promise<void> => {
    // Keys of its own, which nobody else writes …
    const own = `${name}:${at}:${turn % 200}`;
    const text = valueOf(own, `${turn}`);
    delete acknowledged[own];
    await set(own, text);
    acknowledged[own] = text;
    if ((await get(own)) !== text) wrong.push(own);
    // … and keys that everybody writes.
    const shared = `shared:${turn % 100}`;
    await set(shared, valueOf(shared, `${name} ${at} ${turn}`));
    const found = await get(shared);
    if (found === undefined || !isValueOf(shared, found)) wrong.push(shared);
  };
  const worker = async (at: number): Promise<void> => {
    for (let turn = 0; performance.now() < until; turn++) {
      try {
        await turnOf(at, turn);
      } catch (error) {
        if (!isForSlowness(error)) failed.push(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, at) => worker(at)));
  await store.close();
  gets.sort((one, other) => one - other);
  return { acknowledged, wrong, failed, gets: gets.length, getP99: gets[Math.floor(gets.length * 0.99)] };
}

function isForSlowness(error: unknown): boolean {
  if (error instanceof OperationTimeoutError || error instanceof CircuitOpenError) return true;
  // What `pg` says of a connection that it waits for in vain.
  return error instanceof Error && /timeout/.test(error.message);
}
