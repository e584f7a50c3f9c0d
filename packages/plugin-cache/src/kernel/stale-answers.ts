import type { FailedCall, OperationInfo, StaleAnswers } from "@mlmcp/core";
import type { Cache } from "../engine/cache.js";
import type { Owner } from "../engine/plan.js";

/** How the earlier answers of one operation are found. */
export interface StaleOffer {
  readonly owner: Owner;
  /** How long results are kept as stale. Milliseconds. */
  readonly grace: number;
  /** The text of a call's key; `undefined` where it has none. */
  textOf(self: unknown, args: readonly unknown[]): string | undefined | Promise<string | undefined>;
}

/** Gives what the cache still keeps of cached operations to `@degrade({ fallback: "stale" })`. */
export class StaleCache implements StaleAnswers {
  readonly #cache: Cache;
  readonly #isCached: (operation: string) => boolean;
  readonly #offers = new WeakMap<OperationInfo, StaleOffer>();

  /** @param isCached whether an operation is cached by what the configuration says now */
  constructor(cache: Cache, isCached: (operation: string) => boolean) {
    this.#cache = cache;
    this.#isCached = isCached;
  }

  /** Says how the answers of an operation are found, in place of what was said before. */
  offer(operation: OperationInfo, offer: StaleOffer): void {
    this.#offers.set(operation, offer);
  }

  problem(operation: OperationInfo): string | undefined {
    const offer = this.#offers.get(operation);
    if (!offer || !this.#isCached(operation.id))
      return `${operation.id} is not cached. Put @cached({ grace: "1h" }) on it.`;
    if (offer.grace > 0) return undefined;
    return `the results of ${operation.id} are not kept past their ttl. Give its @cached a \`grace\`, such as "1h".`;
  }

  async find({ operation, self, args }: FailedCall): Promise<{ readonly value: unknown } | undefined> {
    const offer = this.#offers.get(operation);
    const text = await offer?.textOf(self, args);
    return text === undefined ? undefined : this.#cache.lookStale(text, offer!.owner);
  }
}
