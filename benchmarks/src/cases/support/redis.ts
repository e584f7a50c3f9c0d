import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import KeyvRedis from "@keyv/redis";
import cachePlugin, { CacheManager } from "@mlmcp/plugin-cache";
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

/** Some 150 bytes as JSON. */
function delay(at: number): Delay {
  return { airport: `K${at & (KEYS - 1)}`, mean: at + 0.5, hours: [at, at % 24, 7, 11, 13, 17, 19, 23] };
}

interface Subject {
  set(key: string, value: Delay): Promise<unknown>;
  get(key: string): Promise<Delay | undefined>;
  dispose(): Promise<unknown>;
}

const subjects: Record<string, (url: string) => Promise<Subject>> = {
  async "keyv with @keyv/redis"(url) {
    const keyv = new Keyv<Delay>({ store: new KeyvRedis(url), ttl: TTL_MS });
    return {
      set: (...args) => keyv.set(...args),
      get: (key) => keyv.get(key),
      dispose: () => keyv.disconnect(),
    };
  },
  async "CacheManager, next to nothing in memory"(store) {
    const kernel = await useKernel([cachePlugin], { cache: { store, ttl: TTL_MS, maxEntries: 1 } });
    const manager = kernel.resolve(CacheManager);
    return {
      set: (...args) => manager.set(...args),
      get: async (key) => (await manager.get(key)) as Delay | undefined,
      dispose: leaveKernel,
    };
  },
};

export const REFERENCE = "keyv with @keyv/redis";

type Run = (subject: Subject, calls: number) => Promise<unknown>;

/** What stores on a Redis do with the same values, a server each. */
export function redisContenders(run: Run): Contender[] {
  return Object.entries(subjects).map(([name, open]) => ({
    name,
    async setup() {
      const server = await startRedis();
      const subject = await open(server.url);
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
          await server.stop();
        },
      };
    },
  }));
}

export async function getOne({ get }: Subject, at: number): Promise<number> {
  return (await get(keyOf(at)))!.mean;
}

export async function setOne({ set }: Subject, at: number): Promise<unknown> {
  return set(keyOf(at), delay(at));
}

function keyOf(at: number): string {
  return `delays:${(at * 7) & (KEYS - 1)}`;
}

/** A Redis of its own. @throws Error where none is installed */
async function startRedis(): Promise<{ readonly url: string; stop(): Promise<void> }> {
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
    url: `redis://127.0.0.1:${port}`,
    async stop() {
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
