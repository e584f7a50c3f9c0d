import { randomBytes } from "node:crypto";
import type { Change, ChangeListener } from "./store.js";

/** Changes and whose they are. Without any: some were lost, or one was too long to be sent. */
interface Message {
  readonly from?: string;
  readonly changes?: readonly Change[];
}

/** What is said on a channel that also tells who speaks what he has said himself. */
export class ChangeMessages {
  readonly origin = randomBytes(9).toString("base64url");
  /** How the own ones begin, which are not worth being parsed: each change by hand makes one. */
  readonly #own = `{"from":"${this.origin}"`;

  /** @param changes where there are none: there were some, which are not said */
  write(changes: readonly Change[]): string {
    return JSON.stringify({ from: this.origin, changes } satisfies Message);
  }

  /** Tells what a message says that is somebody else's. */
  read(text: string, listener: ChangeListener): void {
    if (text.startsWith(this.#own)) return;
    const { changes } = parse(text);
    if (!Array.isArray(changes) || changes.length === 0) return listener.missed();
    for (const change of changes) listener.changed(change);
  }
}

/** Nobody else should speak on the channel; what is not understood may have been a change. */
function parse(text: string): Message {
  try {
    return (JSON.parse(text) ?? {}) as Message;
  } catch {
    return {};
  }
}
