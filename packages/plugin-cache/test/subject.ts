import { absent, Cache } from "../src/engine/cache.js";
import { MemoryTier, type MemoryOptions } from "../src/memory/memory-tier.js";
import type { Caller, Outcome, Owner, Plan, Previous, Timing, Verdict } from "../src/engine/plan.js";
import type { Store } from "../src/stores/store.js";
import { createEntryCodec } from "../src/values/entry-codec.js";

export interface PlanOptions extends Partial<Timing> {
  readonly tags?: readonly string[];
  readonly isolate?: boolean;
  readonly judge?: (outcome: Outcome) => Verdict | undefined | Promise<Verdict | undefined>;
}

export interface SubjectOptions extends Partial<MemoryOptions> {
  readonly store?: Store;
  /** What its lines in a common trace begin with. */
  readonly name?: string;
  readonly trace?: string[];
}

/** A cache as one process has it, and the trace of what its operation `A.b` saw. */
export async function subject({ store, name = "", trace = [], ...memory }: SubjectOptions = {}) {
  const note = (line: string): void => void trace.push(name === "" ? line : `${name} ${line}`);
  const failed = (action: string, error: unknown): void => note(`failed ${action}: ${String(error)}`);
  const owner: Owner = {
    operation: "A.b",
    observer: {
      hit: (tier) => note(`hit ${tier}`),
      stale: (reason) => note(`stale ${reason}`),
      miss: () => note("miss"),
      set: (tier) => note(`set ${tier}`),
      refreshed: (ok, error) => note(ok ? "refreshed" : `not refreshed: ${String(error)}`),
      failed,
    },
  };
  const cache = new Cache(new MemoryTier({ maxEntries: 100, ...memory }, () => 1), failed);
  await cache.use(store && { store, codec: createEntryCodec() });
  const space = cache.spaceOf("A.b");
  const plan = (
    make: (previous?: Previous) => unknown,
    { tags, isolate = true, judge = ({ ok }) => (ok ? {} : undefined), ...timing }: PlanOptions = {},
  ): Plan => ({
    owner,
    timing: { ttl: 60_000, ...timing },
    isolate,
    ...(tags && { tags }),
    begin: (previous) => ({
      promise: (async () => make(previous))(),
      abandon: (reason) => note(`abandoned: ${String(reason)}`),
    }),
    alone: () => make(),
    judge,
  });
  const key = (text: string): string => space + text;
  return {
    cache,
    owner,
    trace,
    plan,
    key,
    /** As a decorator calls it. */
    call: async (
      text: string,
      make: (previous?: Previous) => unknown,
      options?: PlanOptions,
      caller?: Caller,
    ) => {
      const found = cache.recall(key(text), owner);
      return found === absent ? cache.load(key(text), plan(make, options), caller) : found;
    },
  };
}

export type Subject = Awaited<ReturnType<typeof subject>>;

/** A value or an error that a test lands by hand. */
export function pending<T = unknown>() {
  let land!: (value: T) => void;
  let crash!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => ([land, crash] = [resolve, reject]));
  return { promise, land, crash };
}
