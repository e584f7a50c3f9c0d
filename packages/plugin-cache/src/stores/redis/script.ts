import { createHash } from "node:crypto";
import type { RedisClient } from "./library.js";

/** What a command is given. */
export type Argument = string | Buffer;
type CommandOptions = Parameters<RedisClient["sendCommand"]>[1];

/** A Lua script. The server is sent its text only where it does not know it by its digest. */
export class Script {
  readonly #text: string;
  readonly #digest: string;

  constructor(text: string) {
    this.#text = text;
    this.#digest = createHash("sha1").update(text).digest("hex");
  }

  /** Sends its text at once, for what is asked next to be done after it in any case. @throws the client's error */
  runInOrder(client: RedisClient, keys: readonly Argument[], values: readonly Argument[]): Promise<unknown> {
    return client.sendCommand(["EVAL", this.#text, String(keys.length), ...keys, ...values]);
  }

  /**
   * @param options of the command: clients do not apply their own to scripts
   * @throws the client's error
   */
  run(
    client: RedisClient,
    keys: readonly Argument[],
    values: readonly Argument[],
    options?: CommandOptions,
  ): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...values];
    return client.sendCommand(["EVALSHA", this.#digest, ...rest], options).catch((error: unknown) => {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return client.sendCommand(["EVAL", this.#text, ...rest], options);
    });
  }
}
