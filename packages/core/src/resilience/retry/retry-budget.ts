/** How many retries are allowed, in proportion to the calls. */
export interface RetryBudgetPolicy {
  /** Retries for each call: 0.2 is one retry for five calls. */
  readonly ratio: number;
  /** Retries for each second that are allowed whatever the calls. */
  readonly minPerSecond: number;
}

/** Calls and retries count for so many seconds. */
const windowSeconds = 10;

/**
 * Keeps retries from multiplying an outage: over the last ten seconds there are never more of
 * them than `ratio` × calls + `minPerSecond` × 10. While few calls fail nobody notices; once most
 * do, only that share is tried again and the rest fails at once.
 *
 * This is the retry budget of Finagle (`RetryBudget`: a token bucket whose deposits expire) and
 * of Linkerd. It counts calls and retries apart, so that operations which share a budget may each
 * hold to a policy of its own. Hedges are retries to it, as they are to gRPC's throttling (proposal
 * A6) and to Envoy: both make more work of a service that has too much.
 *
 * Times are milliseconds of one clock; a clock that goes back counts as one that stands still.
 */
export class RetryBudget {
  // One slot for each second.
  readonly #calls = new Uint32Array(windowSeconds);
  readonly #retries = new Uint32Array(windowSeconds);
  #second = 0;
  #slot = 0;
  #allCalls = 0;
  #allRetries = 0;

  /** A call has begun; its retries do not count as calls. */
  called(now: number): void {
    this.#advance(now);
    this.#calls[this.#slot]! += 1;
    this.#allCalls += 1;
  }

  /** Takes one retry out of the budget, if it still has one. */
  withdraw({ ratio, minPerSecond }: RetryBudgetPolicy, now: number): boolean {
    this.#advance(now);
    if (this.#allRetries + 1 > ratio * this.#allCalls + minPerSecond * windowSeconds) return false;
    this.#retries[this.#slot]! += 1;
    this.#allRetries += 1;
    return true;
  }

  /** Retries that it still has. */
  available({ ratio, minPerSecond }: RetryBudgetPolicy, now: number): number {
    this.#advance(now);
    return Math.max(0, Math.floor(ratio * this.#allCalls + minPerSecond * windowSeconds) - this.#allRetries);
  }

  /** Empties the slots of the seconds that have passed. */
  #advance(now: number): void {
    const second = Math.floor(now / 1000);
    if (second <= this.#second) return;
    const passed = Math.min(second - this.#second, windowSeconds);
    this.#second = second;
    for (let step = 0; step < passed; step += 1) {
      this.#slot = (this.#slot + 1) % windowSeconds;
      this.#allCalls -= this.#calls[this.#slot]!;
      this.#allRetries -= this.#retries[this.#slot]!;
      this.#calls[this.#slot] = 0;
      this.#retries[this.#slot] = 0;
    }
  }
}

/** The part that one advice of an operation has in a budget. */
export class RetryBudgetUse {
  readonly #budget: RetryBudget;
  readonly #policy: RetryBudgetPolicy;
  #countsCalls = true;

  constructor(budget: RetryBudget, policy: RetryBudgetPolicy) {
    this.#budget = budget;
    this.#policy = policy;
  }

  /** A call has begun. */
  called(now: number): void {
    if (this.#countsCalls) this.#budget.called(now);
  }

  /** Takes one further attempt out of the budget, if it still has one. */
  withdraw(now: number): boolean {
    return this.#budget.withdraw(this.#policy, now);
  }

  /** Further attempts that could be made now. */
  available(now: number): number {
    return this.#budget.available(this.#policy, now);
  }

  /** Something outside it counts the same calls, and it only their further attempts. */
  yield(): void {
    this.#countsCalls = false;
  }
}

/** What an operation takes part in budgets with, under one configuration. */
interface BudgetUses {
  configuration: object;
  /** By the name of the budget; the operation's own has none. */
  readonly byName: Map<string | undefined, RetryBudgetUse>;
}

/** The budgets of one kernel: those that operations share by name, and their own. */
export class RetryBudgets {
  readonly #named = new Map<string, RetryBudget>();
  readonly #own = new WeakMap<object, RetryBudget>();
  readonly #uses = new WeakMap<object, BudgetUses>();

  /** The budget of this name, the same one for everybody who asks. */
  of(name: string): RetryBudget {
    let budget = this.#named.get(name);
    if (!budget) this.#named.set(name, (budget = new RetryBudget()));
    return budget;
  }

  /**
   * An advice of an operation takes part in a budget: the named one, or the operation's own. Of
   * several the last to join counts the calls, which is the outermost, as chains are built from
   * the method outwards: an attempt that a hedge sees within a retry is no further call.
   *
   * @param configuration the one that asks for it
   */
  join(
    operation: object,
    { name, ...policy }: RetryBudgetPolicy & { readonly name?: string },
    configuration: object,
  ): RetryBudgetUse {
    const budget = name === undefined ? this.#ownOf(operation) : this.of(name);
    let uses = this.#uses.get(operation);
    if (uses?.configuration !== configuration) {
      uses = { configuration, byName: new Map() };
      this.#uses.set(operation, uses);
    }
    uses.byName.get(name)?.yield();
    const use = new RetryBudgetUse(budget, policy);
    uses.byName.set(name, use);
    return use;
  }

  /** What an operation takes part in, by the name of the budget; its own has none. Empty before its first call under a configuration. */
  usesOf(operation: object, configuration: object): ReadonlyMap<string | undefined, RetryBudgetUse> {
    const uses = this.#uses.get(operation);
    return uses?.configuration === configuration ? uses.byName : new Map();
  }

  #ownOf(operation: object): RetryBudget {
    let budget = this.#own.get(operation);
    if (!budget) this.#own.set(operation, (budget = new RetryBudget()));
    return budget;
  }
}
