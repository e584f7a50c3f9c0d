import { lockKeptMs, type StoreLock, type StoreLocks } from "../store.js";
import type { RedisConnection } from "./redis-connection.js";
import { fenceText } from "./frame.js";
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
  if tonumber(redis.call("HGET", KEYS[1], "until") or "0") > now then return false end
  local fence = math.max(tonumber(redis.call("GET", KEYS[2]) or "0") + 1, time[1] * 1000000 + time[2])
  local text = string.format("%016.0f", fence)
  redis.call("SET", KEYS[2], text)
  redis.call("HSET", KEYS[1], "fence", text)
  keep(tonumber(ARGV[1]))
  return text`);

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

/** Locks as keys that outlive their time, which passes by the server's clock. */
export class RedisLocks implements StoreLocks {
  readonly #connection: RedisConnection;
  readonly #root: string;

  constructor(connection: RedisConnection, root: string) {
    this.#connection = connection;
    this.#root = root;
  }

  /** What Redis calls the lock of an entry. */
  keyOf(key: string): string {
    return `${this.#root}:lock:${key}`;
  }

  async acquire(key: string, ttl: number): Promise<StoreLock | undefined> {
    const lock = this.keyOf(key);
    const run = (script: Script, keys: string[], values: string[]): Promise<unknown> =>
      this.#connection.run((client) => script.run(client, keys, values));
    const taken = await run(acquire, [lock, `${this.#root}:fence`], [String(ttl)]);
    if (taken === null) return undefined;
    const fence = Number(taken);
    const text = fenceText(fence);
    return {
      fence,
      extend: async (by) => (await run(extend, [lock], [text, String(by)])) === 1,
      release: async (writing = false) => void (await run(writing ? expire : release, [lock], [text])),
    };
  }
}
