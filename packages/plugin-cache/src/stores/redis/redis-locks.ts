import { randomBytes } from "node:crypto";
import { lockKeptMs, type Acquired, type StoreLock, type StoreLocks } from "../store.js";
import { digits, fenceText, frameMark, fromFrame, lockAt, lockLength, noLock, ownerLength } from "./frame.js";
import { asBytes, type RedisClient } from "./library.js";
import type { RedisConnection } from "./redis-connection.js";
import { Script } from "./script.js";

/** What all scripts go by: the parts of a lock, and time by the server's clock. */
const reading = `
  local time = redis.call("TIME")
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local function number(lock, at) return tonumber(lock:sub(at + 1, at + ${digits})) or 0 end
  local function text(value) return string.format("%0${digits}.0f", value) end
  local function keep(ttl)
    local kept = ttl + ${lockKeptMs}
    if redis.call("PTTL", KEYS[1]) < kept then redis.call("PEXPIRE", KEYS[1], kept) end
  end`;

/** A script that begins with the lock that was given with a fence, and ends with 0 where that is lost. */
function held(rest: string): Script {
  return new Script(`${reading}
  local lock = redis.call("GETRANGE", KEYS[1], 0, ${lockLength - 1})
  if lock:sub(${lockAt.fence + 1}, ${lockAt.until}) ~= ARGV[1] then return 0 end
  ${rest}`);
}

/**
 * A fence grows with each lock, and by the server's clock: one that was evicted or flushed goes on
 * above those that were given.
 */
const acquire = new Script(`${reading}
  local found = redis.call("GET", KEYS[1])
  local lock = found and #found >= ${lockLength} and found:sub(1, 1) == "${frameMark}" and found:sub(1, ${lockLength})
  local owner = lock and lock:sub(${lockAt.owner + 1}) or ""
  if lock and number(lock, ${lockAt.until}) > now and owner ~= ARGV[2] then return { false, found } end
  local fence = text(math.max(tonumber(redis.call("GET", KEYS[2]) or "0") + 1, time[1] * 1000000 + time[2]))
  redis.call("SET", KEYS[2], fence)
  local ttl = tonumber(ARGV[1])
  local ends = 0
  if lock and #found > ${lockLength} then
    ends = number(lock, ${lockAt.ends})
    if ends == 0 then ends = now + math.max(0, redis.call("PTTL", KEYS[1])) end
  end
  lock = "${frameMark}" .. fence .. text(now + ttl) .. text(ends) .. ARGV[2]
  if ends > 0 then redis.call("SETRANGE", KEYS[1], 0, lock) else redis.call("SET", KEYS[1], lock) end
  keep(ttl)
  return { fence, found }`);

const extend = held(`
  if number(lock, ${lockAt.until}) <= now then return 0 end
  redis.call("SETRANGE", KEYS[1], ${lockAt.until}, text(now + ARGV[2]))
  keep(tonumber(ARGV[2]))
  return 1`);

const release = held(`
  local ends = number(lock, ${lockAt.ends})
  if ends <= now then return redis.call("DEL", KEYS[1]) end
  redis.call("SETRANGE", KEYS[1], 0, "${noLock}")
  return redis.call("PEXPIREAT", KEYS[1], ends)`);

const expire = held(`
  redis.call("SETRANGE", KEYS[1], ${lockAt.until}, text(0))
  return 1`);

export interface KeyNames {
  /** What all keys begin with. */
  readonly root: string;
  /** What Redis calls an entry. */
  entryOf(key: string): string;
}

/** Locks in the keys of the entries, which outlive their time; that passes by the server's clock. */
export class RedisLocks implements StoreLocks {
  readonly #connection: RedisConnection;
  readonly #names: KeyNames;
  readonly #owner = randomBytes(ownerLength).toString("base64url").slice(0, ownerLength);

  constructor(connection: RedisConnection, names: KeyNames) {
    this.#connection = connection;
    this.#names = names;
  }

  acquire(key: string, ttl: number): Promise<Acquired> {
    const { root, entryOf } = this.#names;
    const keys = [entryOf(key), `${root}:fence`];
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
      this.#connection.run((client) => script.run(client, [this.#names.entryOf(key)], [text, ...values]));
    return {
      fence,
      extend: async (ttl) => (await run(extend, String(ttl))) === 1,
      release: async (writing = false) => void (await run(writing ? expire : release)),
    };
  }
}
