import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BreakerPolicy } from "../../../src/resilience/breaker/breaker-policy.js";
import { REJECTED, SHADOWED, type Breaker, type Ticket } from "../../../src/resilience/breaker/breaker.js";
import { BreakerGroup } from "../../../src/resilience/breaker/breaker-group.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const RESET_AFTER = 100;
const SLOW = 50;
const MAX_KEYS = 2;
const KEYS = ["a", "b", "c"];
const SLICES = 10;

/** One breaker as one would explain it: a list of what happened, looked through each time. */
interface ModelBreaker {
  state: "closed" | "open" | "halfOpen" | "isolated";
  failures: number;
  /** Since it closed, oldest first. */
  outcomes: Array<{ at: number; failed: boolean; slow: boolean }>;
  openedAt: number;
  probes: Running[];
  succeeded: number;
  /** Grows with each change of state. */
  era: number;
  warmUntil: number;
}

interface Model {
  readonly policy: BreakerPolicy;
  readonly keyed: boolean;
  now: number;
  /** Least recently used first. */
  breakers: Map<string, ModelBreaker>;
  running: Running[];
}

interface Running {
  readonly breaker: ModelBreaker;
  readonly era: number;
  readonly since: number;
  readonly probe: boolean;
  readonly counted: boolean;
}

interface Real {
  readonly group: BreakerGroup;
  readonly running: Array<{ breaker: Breaker; ticket: Ticket }>;
}

function begin(model: Model): ModelBreaker {
  return {
    state: "closed",
    failures: 0,
    outcomes: [],
    openedAt: 0,
    probes: [],
    succeeded: 0,
    era: 0,
    warmUntil: model.now + model.policy.warmUp,
  };
}

function find(model: Model, key: string): ModelBreaker {
  const found = model.breakers.get(key);
  if (!found && model.breakers.size === MAX_KEYS) {
    const all = [...model.breakers];
    const [oldest, forgotten] = all.find(([, { state }]) => state !== "isolated") ?? all[0]!;
    model.breakers.delete(oldest);
    forgotten.era = Infinity;
  }
  const breaker = found ?? begin(model);
  model.breakers.delete(key);
  model.breakers.set(key, breaker);
  return breaker;
}

function findReal({ group }: Real, key: string): Breaker {
  return group.single ?? group.of(key);
}

function enter(model: Model, breaker: ModelBreaker, state: ModelBreaker["state"]): void {
  Object.assign(breaker, { state, era: breaker.era + 1, probes: [], succeeded: 0 });
  if (state === "open" || state === "isolated") breaker.openedAt = model.now;
  if (state === "closed") Object.assign(breaker, { failures: 0, outcomes: [] });
}

function inWindow({ policy, now }: Model, { outcomes }: ModelBreaker): ModelBreaker["outcomes"] {
  const { window } = policy;
  if ("calls" in window) return outcomes.slice(-window.calls);
  const slice = (time: number) => Math.floor(time / (window.ms / SLICES));
  return outcomes.filter(({ at }) => slice(now) - slice(at) < SLICES);
}

function placesLeft({ policy }: Model, { succeeded, probes }: ModelBreaker): number {
  return policy.halfOpenProbes - succeeded - probes.length;
}

function shouldOpen(model: Model, breaker: ModelBreaker): boolean {
  const { failureThreshold, failureRate, slowCall, minimumCalls } = model.policy;
  if (model.now < breaker.warmUntil) return false;
  if (failureThreshold !== false && breaker.failures >= failureThreshold) return true;
  const window = inWindow(model, breaker);
  if (window.length < minimumCalls) return false;
  const share = (is: (outcome: { failed: boolean; slow: boolean }) => boolean) =>
    window.filter(is).length / window.length;
  return (
    (failureRate !== false && share(({ failed }) => failed) >= failureRate) ||
    (slowCall !== false && share(({ slow }) => slow) >= slowCall.rate)
  );
}

function retryAfter({ now, ...model }: Model, breaker: ModelBreaker): number | undefined {
  const left = (since: number) => Math.max(0, since + RESET_AFTER - now);
  if (breaker.state === "isolated") return undefined;
  if (breaker.state === "open") return left(breaker.openedAt);
  return breaker.state === "halfOpen" && placesLeft({ now, ...model }, breaker) === 0
    ? left(breaker.probes[0]!.since)
    : 0;
}

function compare(model: Model, { group }: Real): void {
  const real = [...group.entries()];
  expect(real.map(([key]) => key)).toEqual(model.keyed ? [...model.breakers.keys()] : [undefined]);
  for (const [key, breaker] of real) {
    const expected = model.breakers.get(key ?? "")!;
    expect(breaker.state).toBe(expected.state);
    expect(breaker.failures).toBe(expected.failures);
    expect(breaker.retryAfter).toBe(retryAfter(model, expected));
    if (expected.state !== "closed" || !breaker.window) continue;
    const window = inWindow(model, expected);
    expect(breaker.window).toEqual({
      calls: window.length,
      failures: window.filter(({ failed }) => failed).length,
      slow: window.filter(({ slow }) => slow).length,
    });
  }
  const open = [...model.breakers.values()].filter(({ state }) => state === "open");
  expect(vi.getTimerCount()).toBe(open.length);
}

abstract class Step implements fc.Command<Model, Real> {
  constructor(readonly key: string) {}
  check(_model: Readonly<Model>): boolean {
    return true;
  }
  run(model: Model, real: Real): void {
    this.act(model, real, model.keyed ? this.key : "");
    compare(model, real);
  }
  abstract act(model: Model, real: Real, key: string): void;
}

class Admit extends Step {
  override act(model: Model, real: Real, key: string): void {
    const breaker = find(model, key);
    const realBreaker = findReal(real, key);
    const ticket = realBreaker.admit();
    let admitted = breaker.state === "closed" || breaker.state === "halfOpen";
    if (breaker.state === "halfOpen" && placesLeft(model, breaker) === 0) {
      admitted = breaker.probes[0]!.since + RESET_AFTER <= model.now;
      if (admitted) breaker.probes.shift();
    }
    const shadow = model.policy.mode === "shadow";
    if (admitted) expect(ticket).toBeGreaterThanOrEqual(0);
    else expect(ticket).toBe(shadow ? SHADOWED : REJECTED);
    if (!admitted && !shadow) return;
    const call = {
      breaker,
      era: breaker.era,
      since: model.now,
      probe: breaker.state === "halfOpen",
      counted: admitted,
    };
    if (admitted && call.probe) breaker.probes.push(call);
    model.running.push(call);
    real.running.push({ breaker: realBreaker, ticket });
  }
  override toString = () => `admit ${this.key}`;
}

class Settle extends Step {
  constructor(
    readonly how: "succeed" | "fail" | "release",
    readonly which: number,
    readonly tookMs: number,
  ) {
    super("");
  }
  override check(model: Readonly<Model>): boolean {
    return model.running.length > 0;
  }
  override act(model: Model, real: Real): void {
    const index = this.which % model.running.length;
    const call = model.running.splice(index, 1)[0]!;
    const { breaker: realBreaker, ticket } = real.running.splice(index, 1)[0]!;
    if (this.how === "succeed") realBreaker.succeed(ticket, this.tookMs);
    else if (this.how === "fail") realBreaker.fail(ticket, "error", this.tookMs);
    else realBreaker.release(ticket);
    const { breaker } = call;
    if (!call.counted || call.era !== breaker.era) return;
    if (call.probe && !breaker.probes.includes(call)) return;
    breaker.probes = breaker.probes.filter((probe) => probe !== call);
    if (this.how !== "release") this.#count(model, breaker);
  }
  #count(model: Model, breaker: ModelBreaker): void {
    const { slowCall, halfOpenProbes } = model.policy;
    const failed = this.how === "fail";
    const slow = slowCall !== false && this.tookMs > SLOW;
    if (breaker.state === "halfOpen") {
      if (failed || slow) enter(model, breaker, "open");
      else if (++breaker.succeeded === halfOpenProbes) enter(model, breaker, "closed");
      return;
    }
    breaker.failures = failed ? breaker.failures + 1 : 0;
    breaker.outcomes.push({ at: model.now, failed, slow });
    if (shouldOpen(model, breaker)) enter(model, breaker, "open");
  }
  override toString = () => `${this.how} call ${this.which} after ${this.tookMs} ms`;
}

class Pass extends Step {
  constructor(readonly ms: number) {
    super("");
  }
  override act(model: Model): void {
    vi.advanceTimersByTime(this.ms);
    model.now += this.ms;
    for (const breaker of model.breakers.values())
      if (breaker.state === "open" && model.now - breaker.openedAt >= RESET_AFTER)
        enter(model, breaker, "halfOpen");
  }
  override toString = () => `${this.ms} ms pass`;
}

class ByHand extends Step {
  constructor(
    readonly how: "open" | "close" | "isolate" | "reset",
    key: string,
  ) {
    super(key);
  }
  override act(model: Model, real: Real, key: string): void {
    const breaker = find(model, key);
    findReal(real, key)[this.how]();
    const states = { open: "open", close: "closed", isolate: "isolated", reset: "closed" } as const;
    enter(model, breaker, states[this.how]);
    if (this.how === "reset") breaker.warmUntil = model.now + model.policy.warmUp;
  }
  override toString = () => `${this.how} ${this.key} by hand`;
}

/** Saving and restoring at one moment changes nothing, but for calls in flight and windows. */
class Carry extends Step {
  override act(model: Model, real: Real, key: string): void {
    const breaker = find(model, key);
    const realBreaker = findReal(real, key);
    realBreaker.restore(JSON.parse(JSON.stringify(realBreaker.save())) as ReturnType<Breaker["save"]>);
    const { failures, state, openedAt } = breaker;
    enter(model, breaker, "closed");
    if (state !== "closed") enter(model, breaker, state);
    Object.assign(breaker, { failures, openedAt });
  }
  override toString = () => `save and restore ${this.key}`;
}

const policies: fc.Arbitrary<BreakerPolicy> = fc.record({
  failureThreshold: fc.constantFrom<number | false>(1, 2, 3, false),
  failureRate: fc.constantFrom<number | false>(false, 0.4, 0.5, 1),
  slowCall: fc.constantFrom<BreakerPolicy["slowCall"]>(
    false,
    { duration: SLOW, rate: 0.5 },
    { duration: SLOW, rate: 1 },
  ),
  window: fc.constantFrom<BreakerPolicy["window"]>({ calls: 2 }, { calls: 5 }, { ms: 250 }, { ms: 40 }),
  minimumCalls: fc.constantFrom(1, 2),
  resetAfter: fc.constant(RESET_AFTER),
  halfOpenProbes: fc.constantFrom(1, 2, 3),
  warmUp: fc.constantFrom(0, 0, 150),
  mode: fc.constantFrom<BreakerPolicy["mode"]>("enforce", "enforce", "shadow"),
});

const key = fc.constantFrom(...KEYS);
const commands = fc.commands(
  [
    key.map((of) => new Admit(of)),
    key.map((of) => new Admit(of)),
    fc
      .tuple(
        fc.constantFrom<Settle["how"]>("succeed", "succeed", "fail", "fail", "release"),
        fc.nat(10),
        fc.constantFrom(0, SLOW, SLOW + 1),
      )
      .map((how) => new Settle(...how)),
    fc.constantFrom(1, 9, 50, 99, 100, 250).map((ms) => new Pass(ms)),
    fc
      .tuple(fc.constantFrom<ByHand["how"]>("open", "close", "isolate", "reset"), key)
      .map((how) => new ByHand(...how)),
    key.map((of) => new Carry(of)),
  ],
  { maxCommands: 50, size: "max" },
);

describe("breakers and their reference model", () => {
  it(
    "agree on states, failures, windows, timers and the time to wait after any sequence of commands",
    { timeout: 300_000 },
    () => {
      fc.assert(
        fc.property(policies, fc.boolean(), commands, (policy, keyed, sequence) => {
          vi.clearAllTimers();
          fc.modelRun(() => {
            const now = Math.round(performance.now());
            const model: Model = { policy, keyed, now, breakers: new Map(), running: [] };
            if (!keyed) model.breakers.set("", begin(model));
            const listener = { opened() {}, halfOpened() {}, closed() {} };
            const terms = { policy, ...(keyed ? { maxKeys: MAX_KEYS } : {}) };
            const group = new BreakerGroup("X.y", terms, { operation: "X.y", listener });
            return { model, real: { group, running: [] } };
          }, sequence);
        }),
        { numRuns: 10_000 },
      );
    },
  );
});
