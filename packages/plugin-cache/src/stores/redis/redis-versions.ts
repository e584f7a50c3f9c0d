import { everything, newVersion } from "../../tags/names.js";
import { maxVersions } from "../max-versions.js";
import type { RedisClient } from "./library.js";
import type { RedisConnection } from "./redis-connection.js";
import { Script } from "./script.js";

/**
 * All versions are in one hash, and {@link everything} is always among them. So either none of them
 * is lost or all are, such as by eviction or a flush; then everything has another version, and what
 * memory holds from before is not taken for valid. That a user may not publish is no reason for
 * this to fail.
 */
const beginning = `
  local failure = ""
  if redis.call("HSETNX", KEYS[1], ARGV[1], ARGV[2]) == 1 then
    local told = redis.pcall("PUBLISH", KEYS[2], ARGV[3])
    if type(told) == "table" then failure = told.err end
  end`;

const begin = new Script(`${beginning}
  return failure`);

const set = new Script(`
  local full = redis.call("HLEN", KEYS[1]) >= tonumber(ARGV[6]) and redis.call("HEXISTS", KEYS[1], ARGV[4]) == 0
  if full then redis.call("DEL", KEYS[1]) end
  ${beginning}
  redis.call("HSET", KEYS[1], ARGV[4], ARGV[5])
  return failure`);

export interface VersionsOptions {
  readonly connection: RedisConnection;
  readonly root: string;
  /** Where other processes listen. */
  readonly channel: string;
  /** What tells all of them, this one included, that versions were lost. */
  readonly lost: string;
  /** Given why they could not be told, or nothing. */
  told(failure: unknown): void;
  /** @default 100,000 */
  readonly maxNames?: number;
}

/** The versions of tags, in a hash that never expires. */
export class RedisVersions {
  readonly #options: VersionsOptions;
  readonly #hash: string;

  constructor(options: VersionsOptions) {
    this.#options = options;
    this.#hash = `${options.root}:versions`;
  }

  /** Makes sure that everything has a version. */
  begin(client: RedisClient): Promise<void> {
    return this.#run(begin, client);
  }

  async get(names: readonly string[]): Promise<(string | undefined)[]> {
    let found = await this.#read(names);
    if (found[0] === null) {
      await this.#options.connection.run((client) => this.begin(client));
      found = await this.#read(names);
    }
    return found.slice(1).map((version) => version ?? undefined);
  }

  /** Before whatever is asked after it, such as to tell of it. */
  set(client: RedisClient, name: string, version: string): Promise<void> {
    return this.#run(set, client, [name, version, String(this.#options.maxNames ?? maxVersions)]);
  }

  #read(names: readonly string[]): Promise<(string | null)[]> {
    return this.#options.connection.run((client) => client.hmGet(this.#hash, [everything, ...names]));
  }

  async #run(script: Script, client: RedisClient, values: readonly string[] = []): Promise<void> {
    const { channel, lost, told } = this.#options;
    told(await script.runInOrder(client, [this.#hash, channel], [everything, newVersion(), lost, ...values]));
  }
}
