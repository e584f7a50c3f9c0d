import { monitorEventLoopDelay } from "node:perf_hooks";
import { KeyvSqlite } from "@keyv/sqlite";
import { openStore } from "../../src/stores/open-store.js";

/**
 * One process of the load test. `load <file> <name> <count>` sets and gets many keys, eight at a
 * time, and prints which sets were acknowledged; `hold <file> <times> <ms>` holds the write lock.
 */
const [, , role, file = "", third = "", fourth = ""] = process.argv;

if (role === "hold") await hold(Number(third), Number(fourth));
else await load(third, Number(fourth));

async function hold(times: number, ms: number): Promise<void> {
  const connection = new KeyvSqlite({ uri: file, table: "entries", busyTimeout: 5_000 });
  for (let time = 0; time < times; time++) {
    await connection.query("BEGIN IMMEDIATE");
    await new Promise((resolve) => setTimeout(resolve, ms));
    await connection.query("COMMIT");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await connection.close();
}

async function load(name: string, count: number): Promise<void> {
  const store = (await openStore(`sqlite://${file}`, "/", (error) => console.error(error)))!;
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const acknowledged: string[] = [];
  const wrong: string[] = [];
  let slowestGet = 0;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const key = `${name}:${next++}`;
      const expires = Date.now() + 600_000;
      await store.set(key, { operation: name, bytes: Buffer.from(`first of ${key}`), expires });
      await store.set(key, { operation: name, bytes: Buffer.from(`last of ${key}`), expires });
      acknowledged.push(key);
      const started = performance.now();
      const found = await store.get(key);
      slowestGet = Math.max(slowestGet, performance.now() - started);
      if (Buffer.from(found?.bytes ?? []).toString() !== `last of ${key}`) wrong.push(key);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  delay.disable();
  await store.close();
  console.log(JSON.stringify({ acknowledged, wrong, slowestGet, slowestTurn: delay.max / 1e6 }));
}
