import { Breaker } from "./breaker.js";
import type { BreakerSnapshot, CloseReason, Opening } from "./breaker-changes.js";
import type { BreakerPolicy } from "./breaker-policy.js";

/** What the breakers of a group have in common; who shares a group must agree on it. */
export interface BreakerTerms {
  readonly policy: BreakerPolicy;
  /** One breaker for each key, and the most that are kept at a time; nothing for a single breaker. */
  readonly maxKeys?: number;
  /** The name under which several operations share the group. */
  readonly sharedAs?: string;
}

/** Told of every change of a group's breakers, each with its key, where it has one. */
export interface GroupListener {
  opened(opening: Opening, key: string | undefined): void;
  halfOpened(reason: "elapsed" | "restored", key: string | undefined): void;
  closed(reason: CloseReason, key: string | undefined): void;
}

/** The one breaker of an operation or of several that share it, or one for each key. */
export class BreakerGroup {
  /** By the id of the operation. */
  readonly members: Map<string, GroupListener>;
  /** Of a single breaker; so that its calls look nothing up. */
  readonly single: Breaker | undefined;
  /** Least recently used first. */
  readonly #byKey = new Map<string, Breaker>();
  readonly #saved: (key: string | undefined) => BreakerSnapshot | undefined;
  #latest: { readonly key: string; readonly breaker: Breaker } | undefined;

  /** @param saved answers what a breaker is to go on from, once */
  constructor(
    readonly name: string,
    readonly terms: BreakerTerms,
    founder: { readonly operation: string; readonly listener: GroupListener },
    saved: (key: string | undefined) => BreakerSnapshot | undefined = () => undefined,
  ) {
    this.members = new Map([[founder.operation, founder.listener]]);
    this.#saved = saved;
    if (terms.maxKeys === undefined) this.single = this.#create(undefined);
  }

  /**
   * The breaker of a key. The one that was asked for longest ago makes room for a new one; one that
   * was isolated by hand only where all others are too.
   */
  of(key: string): Breaker {
    if (this.#latest?.key === key) return this.#latest.breaker;
    let breaker = this.#byKey.get(key);
    if (breaker) this.#byKey.delete(key);
    else {
      if (this.#byKey.size >= this.terms.maxKeys!) this.#evict();
      breaker = this.#create(key);
    }
    this.#byKey.set(key, breaker);
    this.#latest = { key, breaker };
    return breaker;
  }

  /** All breakers with their keys. */
  *entries(): Iterable<[key: string | undefined, breaker: Breaker]> {
    if (this.single) yield [undefined, this.single];
    else yield* this.#byKey;
  }

  dispose(): void {
    for (const [, breaker] of this.entries()) breaker.dispose();
    this.#byKey.clear();
    this.#latest = undefined;
  }

  #evict(): void {
    const [key, breaker] = this.#leastUsed();
    this.#byKey.delete(key);
    const { state } = breaker;
    breaker.dispose();
    if (state !== "closed") this.#tell((listener) => listener.closed("evicted", key));
  }

  #leastUsed(): [key: string, breaker: Breaker] {
    for (const entry of this.#byKey) if (entry[1].state !== "isolated") return entry;
    return this.#byKey.entries().next().value!;
  }

  #tell(what: (listener: GroupListener) => void): void {
    this.members.forEach(what);
  }

  #create(key: string | undefined): Breaker {
    const breaker = new Breaker(this.terms.policy, {
      opened: (opening) => this.#tell((listener) => listener.opened(opening, key)),
      halfOpened: (reason) => this.#tell((listener) => listener.halfOpened(reason, key)),
      closed: (reason) => this.#tell((listener) => listener.closed(reason, key)),
    });
    const saved = this.#saved(key);
    if (saved) breaker.restore(saved);
    return breaker;
  }
}
