import { toStoreError, type RedisClient } from "./library.js";
import type { RedisConnection } from "./redis-connection.js";

/** Commands on whichever connection there is, with errors as guards know them. */
export class Commands {
  readonly #connection: RedisConnection;
  readonly #name: string;

  constructor(connection: RedisConnection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  async run<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    try {
      return await this.#connection.use(command);
    } catch (error) {
      throw toStoreError(error, this.#name);
    }
  }
}
