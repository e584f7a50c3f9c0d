import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import KeyvRedis from "@keyv/redis";
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

export const REFERENCE = "keyv with @keyv/redis";

const servers: Places = {
  subjects: {
    [REFERENCE]: async (url) => keyvSubject(new Keyv<Delay>({ store: new KeyvRedis(url), ttl: TTL_MS })),
    "CacheManager, next to nothing in memory": managerSubject,
  },
  open: startRedis,
  delay,
};

function delay(at: number): Delay {
  return { airport: `K${at & (KEYS - 1)}`, mean: at + 0.5, hours: [at, at % 24, 7, 11, 13, 17, 19, 23] };
}

/** What stores on a Redis do with the same values, a server each. */
export function redisContenders(run: Run): Contender[] {
  return storeContenders(servers, run);
}

export async function setOne({ set }: Subject, at: number): Promise<unknown> {
  return set(keyOf(at), delay(at));
}

/** A Redis of its own. @throws Error where none is installed */
export async function startRedis(): ReturnType<Places["open"]> {
  const port = await freePort();
  const server = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", ""], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(server, "spawn").catch((cause: unknown) => {
    throw new Error("The case needs redis-server. Install it: `apt-get install redis-server`.", { cause });
  });
  for await (const chunk of server.stdout.iterator({ destroyOnReturn: false }))
    if (String(chunk).includes("Ready to accept connections")) break;
  server.stdout.resume();
  return {
    place: `redis://127.0.0.1:${port}`,
    async close() {
      server.kill();
      await once(server, "exit");
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
