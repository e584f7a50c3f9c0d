import { isDeepStrictEqual } from "node:util";
import { ConfigurationError } from "../../errors/index.js";
import type { Breaker } from "./breaker.js";
import type { BreakerSnapshot } from "./breaker-changes.js";
import { BreakerGroup, type BreakerTerms, type GroupListener } from "./breaker-group.js";
import type { BreakerMode } from "./breaker-policy.js";
import type { BreakerState } from "./opossum-state.js";
import { fromId, refuseUnlessSaved, toId, type SavedBreakers } from "./saved-breakers.js";

/** One breaker at one moment. */
export interface BreakerStatus {
  /** The operation's id, or the name under which several operations share the breaker. */
  readonly operation: string;
  /** The ids of the operations that share it. */
  readonly sharedBy?: readonly string[];
  /** What it is the breaker of, where there is one for each key. */
  readonly key?: string;
  readonly state: BreakerState;
  /** `shadow`: it turns no call away, whatever its state. */
  readonly mode: BreakerMode;
  /** Consecutive failures; while it is not closed, those before it opened. */
  readonly failures: number;
  /** The latest calls that its rates are taken of, and how many of them failed or were slow. */
  readonly window?: { readonly calls: number; readonly failures: number; readonly slow: number };
  /** Milliseconds until a call can pass again, as far as is known; 0 where it can now, nothing where it is isolated. */
  readonly retryAfterMs?: number;
}

/** The breakers of one operation, or of several that share them, at one moment. */
export interface BreakerSummary {
  /** The operation's id, or the name under which several operations share them. */
  readonly operation: string;
  readonly mode: BreakerMode;
  /** How many are in each state. */
  readonly states: Readonly<Record<BreakerState, number>>;
  /** Of the only one; not where there is one for each key. */
  readonly single?: Pick<BreakerStatus, "failures" | "window">;
}

/** What an operation brings to the breakers that it passes. */
export interface BreakerUse {
  readonly operation: string;
  readonly terms: BreakerTerms;
  readonly listener: GroupListener;
  /** Where it is, once it has joined. */
  group?: BreakerGroup;
}

/**
 * All breakers of a kernel. A breaker is there from the first call of its operation; one that
 * several operations share goes by the name of their `sharedAs`, or by the id of any of them.
 *
 * ```ts
 * const breakers = kernel.resolve(CircuitBreakers);
 * breakers.isolate("ReportService.load"); // before maintenance
 * console.table(breakers.list());
 * breakers.close("ReportService.load");
 * ```
 */
export class CircuitBreakers {
  readonly #groups = new Map<string, BreakerGroup>();
  readonly #users = new Map<BreakerGroup, Set<BreakerUse>>();
  /** Of breakers that are not there yet. */
  readonly #saved = new Map<string, BreakerSnapshot>();
  readonly #termsOf: (operation: string) => BreakerTerms | undefined;

  /** @param termsOf answers what the configuration wants of an operation's breaker at present */
  constructor(termsOf: (operation: string) => BreakerTerms | undefined = () => undefined) {
    this.#termsOf = termsOf;
  }

  list(): BreakerStatus[] {
    return Array.from(this.#all(), ({ group, key, breaker }) => {
      const { state, failures, window, retryAfter } = breaker;
      return {
        operation: group.name,
        ...(group.terms.sharedAs === undefined ? {} : { sharedBy: [...group.members.keys()] }),
        ...(key === undefined ? {} : { key }),
        state,
        mode: group.terms.policy.mode,
        failures,
        ...(window && { window: { ...window } }),
        ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
      };
    });
  }

  /** All breakers in few words: those of many keys are counted, not listed. */
  summary(): BreakerSummary[] {
    return Array.from(this.#groups.values(), (group) => {
      const states = { closed: 0, open: 0, halfOpen: 0, isolated: 0 };
      for (const [, { state }] of group.entries()) states[state] += 1;
      const { failures, window } = group.single ?? {};
      return {
        operation: group.name,
        mode: group.terms.policy.mode,
        states,
        ...(failures !== undefined && { single: { failures, ...(window && { window: { ...window } }) } }),
      };
    });
  }

  /**
   * Opens a breaker as if it had failed too often: it admits a probe after `resetAfter`. Of
   * breakers by key, the key says which; one that was not met before is there from now on.
   *
   * @throws ConfigurationError where there is no such breaker
   */
  open(operation: string, key?: string): void {
    this.#one(operation, key).open();
  }

  /**
   * Opens a breaker until `close` or `reset`: no time and no probe closes it.
   *
   * @throws ConfigurationError where there is no such breaker
   */
  isolate(operation: string, key?: string): void {
    this.#one(operation, key).isolate();
  }

  /**
   * Closes a breaker and forgets its failures; without a key, those of all keys.
   *
   * @throws ConfigurationError where there is no such breaker
   */
  close(operation: string, key?: string): void {
    for (const breaker of this.#some(operation, key)) breaker.close();
  }

  /**
   * Closes a breaker and lets it begin anew, with its time to warm up; without a key, those of
   * all keys.
   *
   * @throws ConfigurationError where there is no such breaker
   */
  reset(operation: string, key?: string): void {
    for (const breaker of this.#some(operation, key)) breaker.reset();
  }

  /**
   * What all breakers are now, to be written down as JSON before the kernel stops. Those that
   * have nothing to tell are left out; so is what their windows hold.
   */
  save(): SavedBreakers {
    const there = Array.from(this.#all(), ({ group, key, breaker }) => ({
      operation: group.name,
      ...(key === undefined ? {} : { key }),
      ...breaker.save(),
    }));
    const awaited = Array.from(this.#saved, ([id, snapshot]) => ({ ...fromId(id), ...snapshot }));
    const telling = there.filter(({ state, failures }) => state !== "closed" || failures > 0);
    return { version: 1, breakers: [...telling, ...awaited] };
  }

  /**
   * Lets breakers go on from where they were saved, also in another process: one that is open
   * stays so for what is left of its `resetAfter`, the time between included. Breakers that are
   * not there yet begin so at the first call of their operation.
   *
   * @throws ConfigurationError where the value is not what `save` gives; then nothing changes
   */
  restore(saved: SavedBreakers): void {
    refuseUnlessSaved(saved);
    for (const { operation, key, ...snapshot } of saved.breakers) {
      const group = this.#groups.get(operation);
      const keyed = group && group.terms.maxKeys !== undefined;
      if (!group) this.#saved.set(toId(operation, key), snapshot);
      // It was saved under options that have changed since.
      else if (keyed !== (key !== undefined)) continue;
      else (group.single ?? group.of(key!)).restore(snapshot);
    }
  }

  /**
   * Gives an operation the breakers that it passes from now on, which are those of before, or of
   * others under its shared name, where they agree on the terms.
   *
   * @throws ConfigurationError where operations that share a breaker disagree
   */
  join(use: BreakerUse): BreakerGroup {
    const name = use.terms.sharedAs ?? use.operation;
    let group = this.#groups.get(name);
    if (!group || !isDeepStrictEqual(group.terms, use.terms)) {
      if (group) this.#refuseConflict(group, use);
      group = use.group ?? new BreakerGroup(name, use.terms, use, (key) => this.#takeSaved(name, key));
      this.#groups.set(name, group);
    }
    if (use.group !== group) {
      this.leave(use);
      use.group = group;
      const users = this.#users.get(group);
      if (users) users.add(use);
      else this.#users.set(group, new Set([use]));
    }
    group.members.set(use.operation, use.listener);
    return group;
  }

  /** An operation passes its breakers no more. They end with the last one that does. */
  leave(use: BreakerUse): void {
    const { group } = use;
    const users = group && this.#users.get(group);
    if (!users) return;
    users.delete(use);
    if (group.members.get(use.operation) === use.listener) group.members.delete(use.operation);
    if (users.size > 0) return;
    this.#users.delete(group);
    group.dispose();
    if (this.#groups.get(group.name) === group) this.#groups.delete(group.name);
  }

  /** Takes the breakers off the list that no operation passes any more. */
  retain(passes: (operation: string) => boolean): void {
    for (const [name, { members }] of this.#groups) {
      for (const operation of members.keys()) if (!passes(operation)) members.delete(operation);
      if (members.size === 0) this.#groups.delete(name);
    }
  }

  *#all(): Iterable<{ group: BreakerGroup; key: string | undefined; breaker: Breaker }> {
    for (const group of this.#groups.values())
      for (const [key, breaker] of group.entries()) yield { group, key, breaker };
  }

  #one(operation: string, key: string | undefined): Breaker {
    const group = this.#of(operation);
    const keyed = group.terms.maxKeys !== undefined;
    if (keyed === (key !== undefined)) return group.single ?? group.of(key!);
    throw new ConfigurationError(
      keyed
        ? `"${operation}" has one breaker for each key. Say whose: open("${operation}", key).`
        : `"${operation}" has a single breaker, but the key "${key}" was given. Leave the key out.`,
      { code: "MLMCP_BREAKER_KEY", context: { operation, key } },
    );
  }

  #some(operation: string, key: string | undefined): Breaker[] {
    return key === undefined
      ? Array.from(this.#of(operation).entries(), ([, breaker]) => breaker)
      : [this.#one(operation, key)];
  }

  #of(operation: string): BreakerGroup {
    const group =
      this.#groups.get(operation) ?? [...this.#groups.values()].find(({ members }) => members.has(operation));
    if (group) return group;
    const known = [...this.#groups.keys()];
    throw new ConfigurationError(
      `"${operation}" has no breaker. Breakers so far: ${known.join(", ") || "none"}.`,
      {
        code: "MLMCP_BREAKER_UNKNOWN",
        context: { operation, known },
        suggestions: [
          "Use the operation's id as `mlmcp operations` shows it. A breaker is there from the operation's first call.",
        ],
      },
    );
  }

  /** After a reload, what a group was made for may have changed for all that share it: then it gives way. */
  #refuseConflict(group: BreakerGroup, use: BreakerUse): void {
    for (const other of group.members.keys()) {
      if (other === use.operation || !isDeepStrictEqual(this.#termsOf(other), group.terms)) continue;
      throw new ConfigurationError(
        `${use.operation} and ${other} share the breaker "${group.name}", but with different options. ` +
          "Give both the same, or another `sharedAs`.",
        {
          code: "MLMCP_BREAKER_CONFLICT",
          context: {
            breaker: group.name,
            operations: [use.operation, other],
            terms: [use.terms, group.terms],
          },
        },
      );
    }
  }

  #takeSaved(name: string, key: string | undefined): BreakerSnapshot | undefined {
    const id = toId(name, key);
    const saved = this.#saved.get(id);
    this.#saved.delete(id);
    return saved;
  }
}
