import { randomUUID } from "node:crypto";
import { lockKeptMs, type Acquired, type StoreLock, type StoreLocks } from "../store.js";
import type { RedisConnection } from "./redis-connection.js";
import { fenceText, fromFrame } from "./frame.js";
import { asBytes, type RedisClient } from "./library.js";
import { Script } from "./script.js";

const now = `
  local time = redis.call("TIME")
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local function keep(ttl)
    redis.call("HSET", KEYS[1], "until", string.format("%.0f", now + ttl))
    redis.call("PEXPIRE", KEYS[1], ttl + ${lockKeptMs})
  end`;

/**
 * A fence grows with each lock, and by the server's clock: one that was evicted or flushed goes on
 * above those that are in entries.
 */
const acquire = new Script(`${now}
  local entry = redis.call("GET", KEYS[3])
  local held = redis.call("HMGET", KEYS[1], "until", "owner")
  if tonumber(held[1] or "0") > now and held[2] ~= ARGV[2] then return { false, entry } end
  local fence = math.max(tonumber(redis.call("GET", KEYS[2]) or "0") + 1, time[1] * 1000000 + time[2])
  local text = string.format("%016.0f", fence)
  redis.call("SET", KEYS[2], text)
  redis.call("HSET", KEYS[1], "fence", text, "owner", ARGV[2])
  keep(tonumber(ARGV[1]))
  return { text, entry }`);

const extend = new Script(`${now}
  if redis.call("HGET", KEYS[1], "fence") ~= ARGV[1] then return 0 end
  if tonumber(redis.call("HGET", KEYS[1], "until")) <= now then return 0 end
  keep(tonumber(ARGV[2]))
  return 1`);

const release = new Script(`
  if redis.call("HGET", KEYS[1], "fence") == ARGV[1] then redis.call("DEL", KEYS[1]) end
  return 0`);

const expire = new Script(`
  if redis.call("HGET", KEYS[1], "fence") == ARGV[1] then redis.call("HSET", KEYS[1], "until", "0") end
  return 0`);

export interface KeyNames {
  /** What all keys begin with. */
  readonly root: string;
  /** What Redis calls an entry. */
  entryOf(key: string): string;
}

/** Locks as keys that outlive their time, which passes by the server's clock. */
export class RedisLocks implements StoreLocks {
  readonly #connection: RedisConnection;
  readonly #names: KeyNames;
  readonly #owner = randomUUID();

  constructor(connection: RedisConnection, names: KeyNames) {
    this.#connection = connection;
    this.#names = names;
  }

  /** What Redis calls the lock of an entry. */
  keyOf(key: string): string {
    return `${this.#names.root}:lock:${key}`;
  }

  acquire(key: string, ttl: number): Promise<Acquired> {
    const { root, entryOf } = this.#names;
    const keys = [this.keyOf(key), `${root}:fence`, entryOf(key)];
    const run = (client: RedisClient): Promise<unknown> =>
      acquire.run(client, keys, [String(ttl), this.#owner], { typeMapping: asBytes });
    return this.#connection.run(run).then((answer) => {
      const [taken, found] = answer as [Buffer | null, Buffer | null];
      return { lock: taken === null ? undefined : this.#lock(key, Number(taken)), entry: fromFrame(found) };
    });
  }

  #lock(key: string, fence: number): StoreLock {
    const text = fenceText(fence);
    const run = (script: Script, ...values: string[]): Promise<unknown> =>
      this.#connection.run((client) => script.run(client, [this.keyOf(key)], [text, ...values]));
    return {
      fence,
      extend: async (ttl) => (await run(extend, String(ttl))) === 1,
      release: async (writing = false) => void (await run(writing ? expire : release)),
    };
  }
}
