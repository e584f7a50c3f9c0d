import { randomBytes } from "node:crypto";
import type { Change, ChangeListener } from "./store.js";

/** A change and whose it is. Without a change: some were lost, or one was too long to be sent. */
interface Message {
  readonly from?: string;
  readonly change?: Change;
}

/** What is said on a channel that also tells who speaks what he has said himself. */
export class ChangeMessages {
  readonly origin = randomBytes(9).toString("base64url");
  /** How the own ones begin, which are not worth being parsed: each change by hand makes one. */
  readonly #own = `{"from":"${this.origin}"`;

  /** @param change by default one that is not said */
  write(change?: Change): string {
    return JSON.stringify({ from: this.origin, change } satisfies Message);
  }

  /** Tells what a message says that is somebody else's. */
  read(text: string, listener: ChangeListener): void {
    if (text.startsWith(this.#own)) return;
    const { change } = parse(text);
    if (change) listener.changed(change);
    else listener.missed();
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
