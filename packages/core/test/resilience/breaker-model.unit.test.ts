import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Breaker, REJECTED, type Ticket } from "../../src/resilience/breaker.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const THRESHOLD = 2;
const RESET_AFTER = 100;

/** The breaker as one would explain it: time and state by hand, each call with the state that admitted it. */
interface Model {
  now: number;
  state: "closed" | "open" | "halfOpen";
  failures: number;
  openedAt: number;
  probe: Running | undefined;
  /** Grows with each change of state. */
  era: number;
  running: Running[];
}

interface Running {
  readonly era: number;
  readonly since: number;
  readonly probe: boolean;
}

interface Real {
  readonly breaker: Breaker;
  readonly tickets: Ticket[];
}

function enter(model: Model, state: Model["state"]): void {
  model.state = state;
  model.era += 1;
  model.probe = undefined;
  if (state === "open") model.openedAt = model.now;
  if (state === "closed") model.failures = 0;
}

function admits(model: Model): boolean {
  if (model.state !== "halfOpen") return model.state === "closed";
  return model.probe === undefined || model.now - model.probe.since >= RESET_AFTER;
}

function compare(model: Model, { breaker }: Real): void {
  expect(breaker.state).toBe(model.state);
  expect(breaker.failures).toBe(model.failures);
  expect(vi.getTimerCount()).toBe(model.state === "open" ? 1 : 0);
  const since = model.state === "open" ? model.openedAt : model.probe?.since;
  expect(breaker.retryAfter).toBe(since === undefined ? 0 : Math.max(0, since + RESET_AFTER - model.now));
}

class Admit implements fc.Command<Model, Real> {
  check = () => true;
  run(model: Model, real: Real): void {
    const ticket = real.breaker.admit();
    const admitted = admits(model);
    expect(ticket !== REJECTED).toBe(admitted);
    if (admitted) {
      const call = { era: model.era, since: model.now, probe: model.state === "halfOpen" };
      if (call.probe) model.probe = call;
      model.running.push(call);
      real.tickets.push(ticket);
    }
    compare(model, real);
  }
  toString = () => "admit";
}

class Settle implements fc.Command<Model, Real> {
  constructor(
    readonly how: "succeed" | "fail" | "release",
    readonly which: number,
  ) {}
  check = (model: Readonly<Model>) => model.running.length > 0;
  run(model: Model, real: Real): void {
    const index = this.which % model.running.length;
    const [call] = model.running.splice(index, 1);
    real.breaker[this.how](real.tickets.splice(index, 1)[0]!);
    const counts = call!.era === model.era && (!call!.probe || call === model.probe);
    if (counts) this.#count(model);
    compare(model, real);
  }
  #count(model: Model): void {
    if (this.how === "release") model.probe = undefined;
    else if (this.how === "succeed") {
      if (model.state === "closed") model.failures = 0;
      else enter(model, "closed");
    } else if (model.state === "halfOpen") enter(model, "open");
    else if (++model.failures >= THRESHOLD) enter(model, "open");
  }
  toString = () => `${this.how} call ${this.which}`;
}

class Pass implements fc.Command<Model, Real> {
  constructor(readonly ms: number) {}
  check = () => true;
  run(model: Model, real: Real): void {
    vi.advanceTimersByTime(this.ms);
    model.now += this.ms;
    if (model.state === "open" && model.now - model.openedAt >= RESET_AFTER) enter(model, "halfOpen");
    compare(model, real);
  }
  toString = () => `${this.ms} ms pass`;
}

class ByHand implements fc.Command<Model, Real> {
  constructor(readonly how: "open" | "close") {}
  check = () => true;
  run(model: Model, real: Real): void {
    real.breaker[this.how]();
    enter(model, this.how === "open" ? "open" : "closed");
    compare(model, real);
  }
  toString = () => `${this.how} by hand`;
}

describe("breaker and its reference model", () => {
  it("agree on state, failures, timers and the time to wait after any sequence of commands", () => {
    const settle = fc.tuple(
      fc.constantFrom("succeed", "fail", "fail", "release"),
      fc.nat(10),
    ) as fc.Arbitrary<[Settle["how"], number]>;
    const commands = fc.commands(
      [
        fc.constant(new Admit()),
        settle.map(([how, which]) => new Settle(how, which)),
        fc.constantFrom(1, 50, 99, 100, 250).map((ms) => new Pass(ms)),
        fc.constantFrom("open", "close").map((how) => new ByHand(how as ByHand["how"])),
      ],
      { maxCommands: 60 },
    );
    fc.assert(
      fc.property(commands, (sequence) => {
        vi.clearAllTimers();
        fc.modelRun(() => {
          const breaker = new Breaker({ failureThreshold: THRESHOLD, resetAfter: RESET_AFTER });
          const model: Model = {
            now: 0,
            state: "closed",
            failures: 0,
            openedAt: 0,
            probe: undefined,
            era: 0,
            running: [],
          };
          return { model, real: { breaker, tickets: [] } };
        }, sequence);
      }),
      { numRuns: 500 },
    );
  });
});
