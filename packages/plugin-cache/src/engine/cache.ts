import { ConfigurationError } from "@mlmcp/core";
import { absent, copyFor } from "./copy-for.js";
import { Inventory } from "./entries.js";
import type { Held } from "./held.js";
import { Computation, type Landed } from "../flights/computation.js";
import { SingleFlight, type Flight } from "../flights/single-flight.js";
import { WaitGraph } from "../flights/wait-graph.js";
import { goOn, unlessAborted, waitFor, type Answer } from "../flights/waiting.js";
import { findMany, findOne, lookStale } from "./look-ups.js";
import type { MemoryOptions, MemoryTier } from "../memory/memory-tier.js";
import type { Caller, Observer, Owner, Plan } from "./plan.js";
import { copyCosts } from "../statistics/copy-cost.js";
import type { Counters } from "../statistics/counters.js";
import type { ProcessObservation } from "../statistics/observation.js";
import { put, type SetPlan } from "./put.js";
import { Statistics } from "../statistics/statistics.js";
import type { Behind } from "./store-tier.js";
import type { Store } from "../stores/store.js";
import { Tiers } from "./tiers.js";
import { copyOf, shareAsIs, takeSnapshot } from "../values/snapshot.js";

export { absent } from "./copy-for.js";

/** How long a refresh that failed is not tried again. Milliseconds. */
const refreshPauseMs = 1_000;

/**
 * Memory in front of a store, one computation for each key. Nothing that fails in here fails a
 * caller: what goes wrong is told to the owner's observer, and the value is made.
 */
export class Cache {
  /** What it holds. */
  readonly inventory: Inventory;
  readonly #tiers: Tiers;
  readonly #flights = new SingleFlight<Computation>();
  readonly #waits = new WaitGraph();
  readonly #statistics = new Statistics();
  #beforeChange: () => Promise<void> | undefined = () => undefined;

  /** @param onError told of what goes wrong on no operation's behalf */
  constructor(memory: MemoryTier, onError: Observer["failed"]) {
    this.#tiers = new Tiers(memory, onError, () => this.#flights.forgetAll());
    this.inventory = new Inventory(this.#tiers);
  }

  get store(): Store | undefined {
    return this.#tiers.behind.store;
  }

  /**
   * Changes what stands behind the memory, and forgets what memory holds. The caller closes the
   * store that stood there, which by then has been given all that it is to keep.
   */
  async use(behind: Behind | undefined): Promise<void> {
    this.#forgetAll();
    await this.#tiers.use(behind);
  }

  /**
   * Gives up what is under way, refreshes included, and answers when it has ended: for work that
   * does not heed its signal that may be never.
   */
  abandonAll(reason: unknown): Promise<void> {
    return this.#flights.abandonAll(reason);
  }

  /** Has something done each time before a change by hand goes to the store. @param work `undefined`: there is nothing to do */
  beforeChange(work: () => Promise<void> | undefined): void {
    this.#beforeChange = work;
  }

  /** Changes how much memory holds; what is worth most stays. */
  configure(memory: MemoryOptions): void {
    this.#tiers.memory.configure(memory);
  }

  /** What the texts of one keyspace begin with. */
  spaceOf(keyspace: string): string {
    return this.#tiers.behind.spaceOf(keyspace);
  }

  /** Of every operation. They go on changing. */
  get counters(): ReadonlyMap<string, Readonly<Counters>> {
    return this.#statistics.counters;
  }

  countersOf(operation: string): Counters {
    return this.#statistics.of(operation);
  }

  /**
   * What memory has for a key, copied for this caller, or {@link absent}, also where a
   * {@link load} would find it there. The hot path: no promise, no closure.
   */
  recall(text: string, owner: Owner): unknown {
    const held = this.#tiers.hot(text);
    if (held === undefined) return absent;
    // What `copyFor` does; by way of it a hit takes a tenth longer.
    try {
      const value = copyOf(held.snapshot);
      owner.observer.hit("memory", held.cost);
      return value;
    } catch (error) {
      owner.observer.failed("copy", error);
      return absent;
    }
  }

  /**
   * The value for a key from memory, from the store or from the work under way, or made by the
   * plan; where that fails or takes too long, stale data within its grace period.
   *
   * @throws what the plan's work failed with, what it failed with earlier where that is kept, the
   * reason of the caller's signal, OperationTimeoutError, or ConfigurationError
   * (`MLMCP_CACHE_RECURSION`) where the work under way would wait for itself
   */
  async load(text: string, plan: Plan, caller: Caller = {}): Promise<unknown> {
    const since = Date.now();
    const before = this.#tiers.memory.peek(text) as Held | undefined;
    for (let joined = false; ;) {
      let held = this.#tiers.inMemory(text);
      if (held instanceof Promise) held = await unlessAborted(held, caller.signal);
      if (held && held.freshUntil > Date.now()) {
        if (held.hotUntil <= Date.now() && !held.thrown) this.#refresh(text, plan, held);
        plan.owner.observer.hit("memory", held.cost);
        return take(held, plan);
      }
      caller.signal?.throwIfAborted();
      let flight = this.#flights.get(text);
      if (flight?.isBeginning) throw recursion(plan.owner.operation);
      const isCurrent = flight?.work.isCurrent;
      const isValid =
        isCurrent instanceof Promise ? await unlessAborted(isCurrent, caller.signal) : isCurrent;
      // It may have landed meanwhile, or been replaced by another.
      if (flight !== this.#flights.get(text)) continue;
      if (flight && !isValid) {
        this.#flights.forget(text);
        flight = undefined;
      }
      const first = flight === undefined;
      const evidence = this.#statistics.evidenceOf(plan.owner.operation);
      flight ??= this.#flights.begin(
        text,
        (ticket) => new Computation(this.#tiers, { text, plan, old: held, before, evidence }, ticket),
      );
      const answer = await this.#wait(flight, plan, caller, since);
      if (answer.how === "stale") {
        plan.owner.observer.stale(answer.reason);
        return take(answer.held, plan);
      }
      // Who came while the method ran may have come after the invalidation; what begins now is new enough.
      const isTooOld = answer.how === "made" && answer.outdated && !first && !joined;
      if (answer.how !== "left" && !isTooOld) return this.#land(answer, first, plan);
      joined = true;
    }
  }

  /** What there is for a key, fresh, or {@link absent}. */
  find(text: string, owner: Owner): Promise<unknown> {
    return findOne(this.#tiers, text, owner);
  }

  /** {@link find} for several keys, in their order, in one reading of the store. */
  findMany(texts: readonly string[], owner: Owner): Promise<unknown[]> {
    return findMany(this.#tiers, texts, owner);
  }

  /** The latest value of a key that is not outdated, fresh or stale; `undefined` where there is none. */
  lookStale(text: string, owner: Owner): Promise<{ readonly value: unknown } | undefined> {
    return lookStale(this.#tiers, text, owner);
  }

  /**
   * Keeps a value. Answers whether every tier has it.
   *
   * @throws UnstorableError where the value cannot be copied.
   */
  async set(text: string, value: unknown, plan: SetPlan): Promise<boolean> {
    // Before the caller can change it.
    const snapshot = (plan.isolate ?? true) ? takeSnapshot(value) : shareAsIs(value);
    // That a store cannot be opened is told by who opens it: memory is left.
    const preparing = this.#beforeChange()?.catch(() => undefined);
    if (preparing) await preparing;
    const tiers = this.#tiers;
    return tiers.finishing(put(tiers, text, snapshot, plan, () => this.#forget(text)));
  }

  /** Answers whether there was something. Work under way is finished for those who wait, and not kept. */
  async delete(text: string, owner: Owner): Promise<boolean> {
    this.#forget(text);
    const { memory, behind } = this.#tiers;
    const inMemory = memory.delete(text);
    try {
      return (await this.#change(() => behind.delete(behind.keyOf(text)))) || inMemory;
    } catch (error) {
      owner.observer.failed("delete", error);
      return inMemory;
    }
  }

  /**
   * Makes everything outdated that has one of these tags: at once in this process, also what is
   * under way, and in others as soon as they learn of it.
   *
   * @throws the store's error: others may still take for valid what was to go.
   */
  invalidateTags(tags: readonly string[], owner: Owner): Promise<void> {
    return this.#invalidate(owner, () => this.#tiers.tags.renewTags(tags));
  }

  /** As {@link invalidateTags}, for everything that an operation returned. */
  invalidateOperation(operation: string, owner: Owner): Promise<void> {
    return this.#invalidate(owner, () => this.#tiers.tags.renewOperation(operation));
  }

  /** Empties memory and store. @throws the store's error: an entry that was to go and is still there must not go unnoticed. */
  async clear(owner: Owner): Promise<void> {
    this.#forgetAll();
    this.#tiers.memory.clear();
    const { behind, tags } = this.#tiers;
    try {
      await this.#change(() => Promise.all([tags.renewEverything(), behind.clear()]));
    } catch (error) {
      owner.observer.failed("clear", error);
      throw error;
    }
  }

  /** What was counted in this process, and what advice is drawn from. @param timeCopies costs some milliseconds */
  observe({ timeCopies = false } = {}): ProcessObservation {
    const { memory } = this.#tiers;
    return {
      since: this.#statistics.since,
      until: Date.now(),
      operations: this.#statistics.observe(
        memory.holdings(),
        timeCopies ? copyCosts(memory.values()) : new Map(),
      ),
      memory: memory.statistics(),
    };
  }

  /** Makes a value anew while the one that there is goes on being given. */
  #refresh(text: string, plan: Plan, held: Held): void {
    // Until it is here, hits need no further thought.
    held.hotUntil = held.freshUntil;
    if (!plan.timing.refreshAfter || this.#flights.get(text)) return;
    const evidence = this.#statistics.evidenceOf(plan.owner.operation);
    const flight = this.#flights.begin(
      text,
      (ticket) => new Computation(this.#tiers, { text, plan, old: held, evidence, refresh: true }, ticket),
    );
    const retry = (): void => {
      held.hotUntil = Math.min(held.freshUntil, Date.now() + refreshPauseMs);
    };
    flight.work.promise.then(({ how }) => how === "left" && retry(), retry);
    goOn(flight, plan.owner);
  }

  async #wait(flight: Flight<Computation>, plan: Plan, caller: Caller, since: number): Promise<Answer> {
    if (!caller.inside) return waitFor(flight, plan, caller, since);
    const end = this.#waits.begin(caller.inside, flight.work);
    if (!end) throw recursion(plan.owner.operation);
    try {
      return await waitFor(flight, plan, caller, since);
    } finally {
      end();
    }
  }

  #land(landed: Exclude<Landed, { how: "left" }>, first: boolean, plan: Plan): unknown {
    const { observer } = plan.owner;
    if (landed.how === "found") {
      observer.hit(first ? "store" : "flight", landed.held.cost);
      return take(landed.held, plan);
    }
    if (first && landed.how === "made") return landed.value;
    if (!landed.snapshot) return plan.alone();
    if (!first) observer.hit("flight", landed.cost);
    return take({ snapshot: landed.snapshot }, plan);
  }

  async #invalidate(owner: Owner, renew: () => Promise<void>): Promise<void> {
    try {
      await this.#change(renew);
    } catch (error) {
      owner.observer.failed("invalidate", error);
      throw error;
    }
  }

  /** Makes a change by hand, at once where nothing has to be done before. */
  #change<T>(change: () => Promise<T>): Promise<T> {
    const preparing = this.#beforeChange();
    return preparing ? preparing.then(change) : change();
  }

  #forget(text: string): void {
    this.#tiers.changes++;
    this.#flights.forget(text);
  }

  #forgetAll(): void {
    this.#tiers.changes++;
    this.#flights.forgetAll();
  }
}

function recursion(operation: string): ConfigurationError {
  return new ConfigurationError(
    `${operation} was called with the same key from inside of itself, and would wait for its own result for ever. ` +
      "Call it with other arguments, or move what both need into a method that is not cached.",
    { code: "MLMCP_CACHE_RECURSION", context: { operation } },
  );
}

/** What one caller gets of what is kept. @throws it, where it is an error that was kept */
function take(kept: Pick<Held, "snapshot" | "thrown">, plan: Plan): unknown {
  const value = copyFor(plan.owner, kept);
  if (value === absent) return plan.alone();
  if (kept.thrown) throw value;
  return value;
}
