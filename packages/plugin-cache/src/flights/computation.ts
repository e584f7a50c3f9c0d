import { ConfigurationError } from "@mlmcp/core";
import { endsOf, isServable, type Held } from "../engine/held.js";
import { unchanged, type Outcome, type Plan, type Previous, type Verdict } from "../engine/plan.js";
import type { Evidence } from "../statistics/evidence.js";
import { namesOf } from "../tags/names.js";
import type { Acquired } from "../stores/store.js";
import type { TagsAtCall } from "../tags/tag-versions.js";
import type { Tiers } from "../engine/tiers.js";
import type { Entry } from "../values/entry.js";
import { copyOf, shareAsIs, takeSnapshot, UnstorableError, type Snapshot } from "../values/snapshot.js";
import { Departure } from "./departure.js";
import type { Ticket, Work } from "./single-flight.js";
import { awaitTurn, tryTurn, Turn } from "./store-turn.js";

/** How a computation ended where it did not fail. */
export type Landed =
  /** In the store, from where another process put it. */
  | { readonly how: "found"; readonly held: Held }
  /** The method made it. */
  | {
      readonly how: "made";
      /** For the one caller who may have it as it is. */
      readonly value: unknown;
      /** For all others; missing where the value cannot be copied. */
      readonly snapshot: Snapshot | undefined;
      readonly cost: number;
      /**
       * Whether it is for him alone: its tags, as it names them, may have been invalidated while the
       * method ran, or it is that of another key.
       */
      readonly outdated: boolean;
    }
  /** The value that there was is still right. */
  | { readonly how: "unchanged"; readonly snapshot: Snapshot; readonly cost: number }
  /** Another process is about to refresh it. */
  | { readonly how: "left" };

export interface ComputationOptions {
  readonly text: string;
  readonly plan: Plan;
  /** What memory has of the key. */
  readonly old: Held | undefined;
  /** What memory had of it last, also where that has expired. */
  readonly before?: Held | undefined;
  readonly evidence: Evidence;
  /** Whether what there is is fresh still, and nobody waits. */
  readonly refresh?: boolean;
}

/** Where a value comes from that memory does not have fresh: the store, another process, or the method. */
export class Computation implements Work<Landed> {
  readonly promise: Promise<Landed>;
  /** Resolves when it is known whether the store has stale data. */
  readonly lookedUp: Promise<void>;
  readonly #tiers: Tiers;
  readonly #options: ComputationOptions;
  readonly #ticket: Ticket;
  readonly #departure = new Departure();
  #turn: Turn | undefined;
  #old: Held | undefined;
  #call: TagsAtCall | undefined;
  #making: Work<unknown> | undefined;
  #hasFailed = false;
  /** The work began with something else than what the key was made of. */
  #beganAltered: Alteration | undefined;

  constructor(tiers: Tiers, options: ComputationOptions, ticket: Ticket) {
    this.#tiers = tiers;
    this.#options = options;
    this.#ticket = ticket;
    this.#old = options.old;
    let lookedUp!: () => void;
    this.lookedUp = new Promise((resolve) => (lookedUp = resolve));
    this.promise = this.#run(lookedUp);
  }

  /** Stale data that may stand in for what is being made. */
  get stale(): Held | undefined {
    const now = Date.now();
    const old = this.#old;
    return old && isServable(old, now) && this.#tiers.tags.seemsValid(old) ? old : undefined;
  }

  /** Whether its result will be valid by what is known so far; a promise where something has to be learnt. */
  get isCurrent(): boolean | Promise<boolean> {
    const { tags } = this.#tiers;
    const call = this.#call;
    if (!call) return true;
    const learning = tags.learn(namesOf(call), Date.now());
    const confirm = (): boolean => tags.confirm(call, Date.now()) === true;
    return learning ? learning.then(confirm) : confirm();
  }

  abandon(reason: unknown): void {
    this.#departure.leave(reason);
    this.#making?.abandon(reason);
    // What it comes to all the same is taken as long as nobody else has begun.
    void this.#turn?.end(true);
  }

  forget(): void {
    void this.#turn?.end();
  }

  async #run(lookedUp: () => void): Promise<Landed> {
    const { plan, text } = this.#options;
    const { behind } = this.#tiers;
    const key = plan.inMemoryOnly ? undefined : behind.keyOf(text);
    let turn: Turn | undefined;
    try {
      if (key !== undefined) {
        const found = await this.#lookUp(key);
        lookedUp();
        if (found) return found;
        const taken = plan.timing.ttl > 0 ? await this.#takeTurn(key) : undefined;
        if (taken && !(taken instanceof Turn)) return taken;
        turn = this.#turn = taken;
        if (turn) this.#tiers.turns.add(turn);
        if (this.#ticket.forgotten) this.forget();
      }
      lookedUp();
      return await this.#make(key, turn);
    } finally {
      lookedUp();
      if (turn) void this.#endTurn(turn);
    }
  }

  async #endTurn(turn: Turn): Promise<void> {
    await turn.finish();
    this.#tiers.turns.delete(turn);
  }

  /** What the store has, where it is fresh; stale data is remembered. */
  async #lookUp(key: string, acquired?: Acquired): Promise<Landed | undefined> {
    const { plan, text, refresh, evidence } = this.#options;
    const failed = (error: unknown): void => {
      // What cannot be read is found again and again while the turn is awaited.
      if (!this.#hasFailed) plan.owner.observer.failed("get", error);
      this.#hasFailed = true;
    };
    const begun = performance.now();
    const held = await this.#tiers.inStore(key, plan, failed, acquired);
    if (!acquired) evidence.read(performance.now() - begun);
    if (!held) return undefined;
    const now = Date.now();
    if (held.freshUntil <= now || (refresh && held.hotUntil <= now)) {
      if (!this.#old || held.created > this.#old.created) this.#old = held;
      return undefined;
    }
    if (!this.#ticket.forgotten) this.#tiers.hold(text, held, plan.space);
    return { how: "found", held };
  }

  async #takeTurn(key: string): Promise<Landed | Turn | undefined> {
    const { locks } = this.#tiers.behind;
    if (!locks) return undefined;
    const options = {
      locks,
      key,
      departure: this.#departure,
      onError: (error: unknown) => this.#options.plan.owner.observer.failed("lock", error),
      lookUp: (acquired: Acquired) => this.#lookUp(key, acquired),
    };
    const answer = await (this.#options.refresh ? tryTurn(options) : awaitTurn(options));
    if (!answer) return { how: "left" };
    return answer instanceof Turn ? answer : answer.found;
  }

  async #make(key: string | undefined, turn: Turn | undefined): Promise<Landed> {
    const { plan, text, refresh, evidence, before } = this.#options;
    const { tags } = this.#tiers;
    const { owner } = plan;
    this.#departure.throwIfLeft();
    if (!refresh) {
      owner.observer.miss();
      evidence.missed(text, plan.keyParts);
    }
    const learning = tags.learn(tags.namesAt(owner.operation, plan.tags ?? []), Date.now());
    if (learning) await learning;
    this.#departure.throwIfLeft();
    const call = (this.#call = tags.atCall(owner.operation, plan.tags ?? [], key));
    const previous = this.stale;
    // Otherwise no time has passed since the key was made.
    if (key !== undefined || learning !== undefined) this.#beganAltered = this.#alteration(false);
    const created = Date.now();
    const begun = performance.now();
    let value: unknown;
    try {
      this.#making = plan.begin(previous && handOver(previous), this);
      value = await this.#making.promise;
      if (value === unchanged && !previous) throw unaskedFor(owner.operation);
    } catch (error) {
      const head = { created, cost: performance.now() - begun };
      await this.#keepError(error, call, head, turn);
      throw error;
    }
    const head = { created, cost: performance.now() - begun };
    if (value === unchanged) {
      const { snapshot, etag } = previous!;
      const verdict = await this.#judge({ ok: true, value: copyOf(snapshot) });
      await this.#keep(verdict, { snapshot, ...head, etag }, call, turn);
      return { how: "unchanged", snapshot, cost: head.cost };
    }
    let snapshot: Snapshot;
    try {
      // Before anybody has the value and can change it.
      snapshot = plan.isolate ? takeSnapshot(value) : shareAsIs(value);
    } catch (error) {
      owner.observer.failed("copy", error);
      return { how: "made", value, snapshot: undefined, cost: head.cost, outdated: false };
    }
    evidence.made(snapshot, head.cost, before && tags.seemsValid(before) ? before : undefined);
    const verdict = await this.#judge({ ok: true, value });
    const isCurrent = await this.#keep(verdict, { snapshot, ...head }, call, turn);
    return { how: "made", value, snapshot, cost: head.cost, outdated: !isCurrent || !!this.#beganAltered };
  }

  async #keepError(error: unknown, call: TagsAtCall, times: Times, turn: Turn | undefined): Promise<void> {
    const { plan, text, evidence } = this.#options;
    if (this.#departure.hasLeft) return;
    const verdict = await this.#judge({ ok: false, error });
    if (!verdict) evidence.failed(text, error, times.cost);
    // Who is given stale data must not be given the error of the refresh next.
    if (!verdict || this.stale) return;
    let snapshot = shareAsIs(error);
    let inMemoryOnly = false;
    try {
      if (plan.isolate) snapshot = takeSnapshot(error);
    } catch (reason) {
      // All who waited have the same error too.
      inMemoryOnly = reason instanceof UnstorableError;
      if (!inMemoryOnly) return plan.owner.observer.failed("copy", reason);
    }
    await this.#keep(verdict, { snapshot, ...times, thrown: true }, call, turn, inMemoryOnly);
  }

  async #judge(outcome: Outcome): Promise<Verdict | undefined> {
    const { plan } = this.#options;
    if (plan.timing.ttl <= 0) return undefined;
    const alteration = this.#beganAltered ?? this.#alteration(true);
    if (alteration) {
      plan.owner.observer.failed("key", altered(plan.owner.operation, alteration));
      return undefined;
    }
    try {
      return await plan.judge(outcome);
    } catch (error) {
      plan.owner.observer.failed("when", error);
      return undefined;
    }
  }

  /** Told where what the key was made of is another now, so that the outcome is not that of the key. */
  #alteration(used: boolean): Alteration | undefined {
    const { plan } = this.#options;
    try {
      return (plan.hasSameKey?.(used) ?? true) ? undefined : {};
    } catch (cause) {
      return { cause };
    }
  }

  /** Keeps it, unless it is not to be kept; `false` where its tags may have been invalidated since the call. */
  async #keep(
    verdict: Verdict | undefined,
    made: Pick<Entry, "snapshot" | "created" | "cost" | "thrown" | "etag">,
    call: TagsAtCall,
    turn: Turn | undefined,
    inMemoryOnly = false,
  ): Promise<boolean> {
    const { plan, text } = this.#options;
    const { owner, isolate, timing, space } = plan;
    const { ttl = timing.ttl, tags: more = [], etag = made.etag } = verdict ?? {};
    if (!verdict || ttl <= 0) return true;
    const versions = more.length > 0 ? await this.#tiers.tags.versionsAt(call, more) : {};
    if (!versions) return false;
    if (this.#ticket.forgotten) return true;
    const entry: Entry = {
      operation: owner.operation,
      created: made.created,
      ...endsOf(ttl, timing),
      cost: made.cost,
      versions: { ...versions, ...call.versions },
      snapshot: made.snapshot,
      ...(made.thrown && { thrown: true }),
      ...(etag !== undefined && { etag }),
    };
    // Nobody waits for the store; its failure is told to the observer.
    const fence = turn ? turn.fence : 0;
    // Without the lock that there should be it would replace what came meanwhile, however late it arrives.
    const isUnguarded = turn !== undefined && fence === undefined;
    const writing = this.#tiers.keep(text, entry, call, {
      inMemoryOnly: inMemoryOnly || isUnguarded,
      ...(fence !== undefined && { fence }),
      owner,
      isolate,
      timing,
      ...(space !== undefined && { space }),
    });
    if (turn) turn.writing = writing;
    return true;
  }
}

type Times = Pick<Entry, "created" | "cost">;

function handOver({ snapshot, created, etag, freshUntil }: Held): Previous {
  const now = Date.now();
  return {
    get value() {
      return copyOf(snapshot);
    },
    age: now - created,
    etag,
    stale: freshUntil <= now,
  };
}

/** What the key was made of gives another one now, or none any more, and why. */
interface Alteration {
  readonly cause?: unknown;
}

function altered(operation: string, { cause }: Alteration): ConfigurationError {
  const why = cause instanceof Error ? ` (${cause.message})` : "";
  return new ConfigurationError(
    `What the key of a call of ${operation} is made of was changed before its result was there${why}: the result is ` +
      "given to who waits for it and not kept. Change a copy: `const own = structuredClone(query)`.",
    {
      code: "MLMCP_CACHE_ALTERED",
      ...(cause !== undefined && { cause }),
      context: { operation },
      suggestions: [
        "Let the method, and whoever calls it, leave the arguments as they are until the result is there.",
        "A `key` must give the same for the same call each time that it is asked.",
      ],
    },
  );
}

function unaskedFor(operation: string): ConfigurationError {
  return new ConfigurationError(
    `${operation} says that its value is unchanged, but there is none: it was given no previous one. ` +
      "Return a value where there is no previous one.",
    { code: "MLMCP_CACHE_UNCHANGED", context: { operation } },
  );
}
