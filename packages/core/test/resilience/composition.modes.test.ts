import {
  bulkhead,
  chaos,
  ChaosSource,
  degrade,
  hedge,
  rateLimit,
  retry,
  timeout,
  type AnyDecorator,
  type EventName,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traceEvents } from "./events.js";

/** What each advice is given, unless a row says otherwise. Outermost first. */
const advice = {
  fallback: { decorator: degrade, options: { fallback: { value: "stand-in" }, breaker: false } },
  deadline: { decorator: timeout, options: { deadline: 250 } },
  retry: {
    decorator: retry,
    options: { maxRetries: 1, backoff: "constant", initialDelay: 50, jitter: "none" },
  },
  hedge: { decorator: hedge, options: { after: 30, idempotent: true } },
  breaker: { decorator: degrade, options: { breaker: { failureThreshold: 1, resetAfter: "1m" } } },
  rateLimit: { decorator: rateLimit, options: { limit: 1, interval: "1m" } },
  timeout: { decorator: timeout, options: { attempt: 100 } },
  bulkhead: { decorator: bulkhead, options: { maxConcurrent: 1 } },
  chaos: { decorator: chaos, options: { errorRate: 0.5 } },
} satisfies Record<string, { decorator: AnyDecorator; options: object }>;

type Decorator = ReturnType<AnyDecorator>;

type Name = keyof typeof advice;

const EVENTS: readonly EventName[] = [
  "retry:attempt",
  "retry:giveUp",
  "degrade:fallback",
  "breaker:open",
  "breaker:reject",
  "timeout:expire",
  "bulkhead:wait",
  "bulkhead:reject",
  "rateLimit:wait",
  "rateLimit:reject",
  "hedge:attempt",
  "hedge:win",
  "chaos:strike",
];

/** What the method does each time: how long it takes, and whether it fails then. The last one stands for all that follow. */
type Plan = readonly [ms: number, how?: "fails"];

interface Row {
  readonly pair: readonly [outer: Name, inner: Name];
  readonly what: string;
  readonly options?: Partial<Record<Name, object>>;
  readonly plans: readonly Plan[];
  /** When calls are made; each as soon as the time has come. */
  readonly calls?: readonly number[];
  /** What happens, each with its time in milliseconds. */
  readonly trace: readonly string[];
}

const rows: readonly Row[] = [
  {
    pair: ["fallback", "deadline"],
    what: "a deadline that strikes is answered for",
    plans: [[500]],
    trace: ["0 begin 1", "250 timeout:expire", "250 degrade:fallback", "250 → stand-in", "500 end 1"],
  },
  {
    pair: ["fallback", "retry"],
    what: "the fallback answers once, when the retries are spent",
    plans: [[10, "fails"]],
    trace: [
      ...["0 begin 1", "10 end 1", "10 retry:attempt", "60 begin 2", "70 end 2", "70 retry:giveUp"],
      ...["70 degrade:fallback", "70 → stand-in"],
    ],
  },
  {
    pair: ["fallback", "hedge"],
    what: "the fallback answers once, when all attempts have failed",
    plans: [[50, "fails"]],
    trace: [
      ...["0 begin 1", "30 hedge:attempt", "30 begin 2", "50 end 1", "80 end 2"],
      ...["80 degrade:fallback", "80 → stand-in"],
    ],
  },
  {
    pair: ["fallback", "breaker"],
    what: "the fallback answers for what the breaker rejects",
    plans: [[10, "fails"]],
    calls: [0, 20],
    trace: [
      ...["0 begin 1", "10 end 1", "10 breaker:open", "10 degrade:fallback", "10 → stand-in"],
      ...["20 breaker:reject", "20 degrade:fallback", "20 → stand-in"],
    ],
  },
  {
    pair: ["fallback", "rateLimit"],
    what: "the fallback answers for what the limit refuses",
    plans: [[10]],
    calls: [0, 20],
    trace: [
      "0 begin 1",
      "10 end 1",
      "10 → data",
      "20 rateLimit:reject",
      "20 degrade:fallback",
      "20 → stand-in",
    ],
  },
  {
    pair: ["fallback", "timeout"],
    what: "an attempt that takes too long is answered for",
    plans: [[500]],
    trace: ["0 begin 1", "100 timeout:expire", "100 degrade:fallback", "100 → stand-in", "500 end 1"],
  },
  {
    pair: ["fallback", "bulkhead"],
    what: "the fallback answers for a call that finds no place, and takes none",
    plans: [[50]],
    calls: [0, 10, 60],
    trace: [
      ...["0 begin 1", "10 bulkhead:reject", "10 degrade:fallback", "10 → stand-in"],
      ...["50 end 1", "50 → data", "60 begin 2", "110 end 2", "110 → data"],
    ],
  },
  {
    pair: ["fallback", "chaos"],
    what: "the fallback answers for a fault made on purpose",
    plans: [[10]],
    trace: ["0 chaos:strike", "0 degrade:fallback", "0 → stand-in"],
  },
  {
    pair: ["deadline", "retry"],
    what: "the deadline ends the delay before a retry",
    plans: [[220, "fails"]],
    trace: [
      "0 begin 1",
      "220 end 1",
      "220 retry:attempt",
      "250 timeout:expire",
      "250 retry:giveUp",
      "250 → MLMCP_TIMEOUT",
    ],
  },
  {
    pair: ["deadline", "hedge"],
    what: "the deadline ends all attempts",
    plans: [[500]],
    trace: [
      ...["0 begin 1", "30 hedge:attempt", "30 begin 2", "250 timeout:expire", "250 → MLMCP_TIMEOUT"],
      ...["500 end 1", "530 end 2"],
    ],
  },
  {
    pair: ["deadline", "breaker"],
    what: "a failure after the deadline says nothing about the method",
    plans: [[500, "fails"]],
    calls: [0, 600],
    trace: [
      ...["0 begin 1", "250 timeout:expire", "250 → MLMCP_TIMEOUT", "500 end 1"],
      ...["600 begin 2", "850 timeout:expire", "850 → MLMCP_TIMEOUT", "1100 end 2"],
    ],
  },
  {
    pair: ["deadline", "rateLimit"],
    what: "the deadline ends the wait for a turn",
    options: { rateLimit: { limit: 1, interval: "1m", wait: "1m" } },
    plans: [[10]],
    calls: [0, 20],
    trace: [
      ...["0 begin 1", "10 end 1", "10 → data"],
      ...["20 rateLimit:wait", "270 timeout:expire", "270 → MLMCP_TIMEOUT"],
    ],
  },
  {
    pair: ["deadline", "timeout"],
    what: "the tighter of both limits strikes",
    plans: [[500]],
    trace: ["0 begin 1", "100 timeout:expire", "100 → MLMCP_TIMEOUT", "500 end 1"],
  },
  {
    pair: ["deadline", "bulkhead"],
    what: "the deadline ends the wait for a place",
    options: { bulkhead: { maxConcurrent: 1, queue: 1 } },
    plans: [[400]],
    calls: [0, 10],
    trace: [
      ...["0 begin 1", "10 bulkhead:wait", "250 timeout:expire", "250 → MLMCP_TIMEOUT"],
      ...["260 timeout:expire", "260 → MLMCP_TIMEOUT", "400 end 1"],
    ],
  },
  {
    pair: ["deadline", "chaos"],
    what: "the deadline ends a delay made on purpose",
    options: { chaos: { latency: 400 } },
    plans: [[10]],
    trace: ["0 chaos:strike", "250 timeout:expire", "250 → MLMCP_TIMEOUT"],
  },
  {
    pair: ["retry", "hedge"],
    what: "all attempts together are tried again",
    plans: [[50, "fails"], [50, "fails"], [10]],
    trace: [
      ...["0 begin 1", "30 hedge:attempt", "30 begin 2", "50 end 1", "80 end 2"],
      ...["80 retry:attempt", "130 begin 3", "140 end 3", "140 → data"],
    ],
  },
  {
    pair: ["retry", "breaker"],
    what: "every attempt passes the breaker, and its rejection is not retried",
    options: { retry: { maxRetries: 5, backoff: "constant", initialDelay: 50, jitter: "none" } },
    plans: [[10, "fails"]],
    trace: [
      ...["0 begin 1", "10 end 1", "10 breaker:open", "10 retry:attempt"],
      ...["60 breaker:reject", "60 retry:giveUp", "60 → MLMCP_CIRCUIT_OPEN"],
    ],
  },
  {
    pair: ["retry", "rateLimit"],
    what: "every attempt counts, and a refusal is not retried",
    options: { retry: { maxRetries: 5, backoff: "constant", initialDelay: 50, jitter: "none" } },
    plans: [[10, "fails"]],
    trace: [
      ...["0 begin 1", "10 end 1", "10 retry:attempt"],
      ...["60 rateLimit:reject", "60 retry:giveUp", "60 → MLMCP_RATE_LIMIT"],
    ],
  },
  {
    pair: ["retry", "timeout"],
    what: "each attempt has its own time",
    plans: [[500], [10]],
    trace: [
      ...["0 begin 1", "100 timeout:expire", "100 retry:attempt"],
      ...["150 begin 2", "160 end 2", "160 → data", "500 end 1"],
    ],
  },
  {
    pair: ["retry", "bulkhead"],
    what: "a call that finds no place is not tried again",
    plans: [[200]],
    calls: [0, 10],
    trace: [
      ...["0 begin 1", "10 bulkhead:reject", "10 retry:giveUp", "10 → MLMCP_BULKHEAD_FULL"],
      ...["200 end 1", "200 → data"],
    ],
  },
  {
    pair: ["retry", "chaos"],
    what: "a fault made on purpose is tried again",
    plans: [[10]],
    trace: ["0 chaos:strike", "0 retry:attempt", "50 begin 1", "60 end 1", "60 → data"],
  },
  {
    pair: ["hedge", "breaker"],
    what: "every attempt passes the breaker; a later success of another does not close it",
    plans: [[40, "fails"], [50]],
    calls: [0, 100],
    trace: [
      ...["0 begin 1", "30 hedge:attempt", "30 begin 2", "40 end 1", "40 breaker:open"],
      ...["80 end 2", "80 hedge:win", "80 → data", "100 breaker:reject", "100 → MLMCP_CIRCUIT_OPEN"],
    ],
  },
  {
    pair: ["hedge", "rateLimit"],
    what: "an attempt beyond the limit is not made, and the first goes on",
    plans: [[50]],
    trace: ["0 begin 1", "30 hedge:attempt", "30 rateLimit:reject", "50 end 1", "50 hedge:win", "50 → data"],
  },
  {
    pair: ["hedge", "timeout"],
    what: "each attempt has its own time",
    plans: [[500]],
    trace: [
      ...["0 begin 1", "30 hedge:attempt", "30 begin 2", "100 timeout:expire"],
      ...["130 timeout:expire", "130 → MLMCP_TIMEOUT", "500 end 1", "530 end 2"],
    ],
  },
  {
    pair: ["hedge", "bulkhead"],
    what: "an attempt without a place is not made, and the first goes on",
    plans: [[50]],
    trace: ["0 begin 1", "30 hedge:attempt", "30 bulkhead:reject", "50 end 1", "50 hedge:win", "50 → data"],
  },
  {
    pair: ["hedge", "chaos"],
    what: "a fault made on purpose ends the call before it is hedged",
    plans: [[50]],
    trace: ["0 chaos:strike", "0 → MLMCP_CHAOS"],
  },
  {
    pair: ["breaker", "rateLimit"],
    what: "a refusal by the limit is not counted",
    plans: [[10]],
    calls: [0, 20, 60_000],
    trace: [
      ...["0 begin 1", "10 end 1", "10 → data", "20 rateLimit:reject", "20 → MLMCP_RATE_LIMIT"],
      ...["60000 begin 2", "60010 end 2", "60010 → data"],
    ],
  },
  {
    pair: ["breaker", "timeout"],
    what: "an attempt that takes too long is counted",
    plans: [[500]],
    calls: [0, 110],
    trace: [
      ...["0 begin 1", "100 timeout:expire", "100 breaker:open", "100 → MLMCP_TIMEOUT"],
      ...["110 breaker:reject", "110 → MLMCP_CIRCUIT_OPEN", "500 end 1"],
    ],
  },
  {
    pair: ["breaker", "bulkhead"],
    what: "a call that finds no place is not counted",
    plans: [[50]],
    calls: [0, 10, 60],
    trace: [
      ...["0 begin 1", "10 bulkhead:reject", "10 → MLMCP_BULKHEAD_FULL", "50 end 1", "50 → data"],
      ...["60 begin 2", "110 end 2", "110 → data"],
    ],
  },
  {
    pair: ["breaker", "chaos"],
    what: "a fault made on purpose is counted",
    plans: [[10]],
    calls: [0, 10],
    trace: [
      "0 chaos:strike",
      "0 breaker:open",
      "0 → MLMCP_CHAOS",
      "10 breaker:reject",
      "10 → MLMCP_CIRCUIT_OPEN",
    ],
  },
  {
    pair: ["rateLimit", "timeout"],
    what: "the wait for a turn takes none of an attempt's time",
    options: { rateLimit: { limit: 1, interval: 200, wait: "1s" } },
    plans: [[50]],
    calls: [0, 10],
    trace: [
      "0 begin 1",
      "10 rateLimit:wait",
      "50 end 1",
      "50 → data",
      "200 begin 2",
      "250 end 2",
      "250 → data",
    ],
  },
  {
    pair: ["rateLimit", "bulkhead"],
    what: "the wait for a turn holds no place",
    options: { rateLimit: { limit: 1, interval: 100, wait: "1s" } },
    plans: [[50]],
    calls: [0, 10],
    trace: [
      "0 begin 1",
      "10 rateLimit:wait",
      "50 end 1",
      "50 → data",
      "100 begin 2",
      "150 end 2",
      "150 → data",
    ],
  },
  {
    pair: ["rateLimit", "chaos"],
    what: "a call that fails on purpose counts",
    plans: [[10]],
    calls: [0, 10],
    trace: ["0 chaos:strike", "0 → MLMCP_CHAOS", "10 rateLimit:reject", "10 → MLMCP_RATE_LIMIT"],
  },
  {
    pair: ["timeout", "bulkhead"],
    what: "the wait for a place takes of the attempt's time, and what goes on holds its place",
    options: { bulkhead: { maxConcurrent: 1, queue: 1 } },
    plans: [[150], [10]],
    calls: [0, 10, 120],
    trace: [
      ...["0 begin 1", "10 bulkhead:wait", "100 timeout:expire", "100 → MLMCP_TIMEOUT"],
      ...["110 timeout:expire", "110 → MLMCP_TIMEOUT", "120 bulkhead:wait"],
      ...["150 end 1", "150 begin 2", "160 end 2", "160 → data"],
    ],
  },
  {
    pair: ["timeout", "chaos"],
    what: "a delay made on purpose is cut",
    options: { chaos: { latency: 400 } },
    plans: [[10]],
    trace: ["0 chaos:strike", "100 timeout:expire", "100 → MLMCP_TIMEOUT"],
  },
  {
    pair: ["bulkhead", "chaos"],
    what: "a delay made on purpose holds a place",
    options: { chaos: { latency: 100 } },
    plans: [[10]],
    calls: [0, 10],
    trace: [
      ...["0 chaos:strike", "10 bulkhead:reject", "10 → MLMCP_BULKHEAD_FULL"],
      ...["100 begin 1", "110 end 1", "110 → data"],
    ],
  },
];

/** The decorators of a pair; one where both are parts of the same. */
function decoratorsOf({ pair, options = {} }: Row): Decorator[] {
  const [outer, inner] = pair.map((name) => ({
    decorator: advice[name].decorator as AnyDecorator,
    options: options[name] ?? advice[name].options,
  }));
  if (outer!.decorator === inner!.decorator)
    return [outer!.decorator({ ...outer!.options, ...inner!.options })];
  return [outer!.decorator(outer!.options), inner!.decorator(inner!.options)];
}

abstract class Subject {
  readonly trace: string[] = [];
  #calls = 0;

  constructor(private readonly plans: readonly Plan[]) {}

  abstract work(): Promise<string>;

  protected async method(): Promise<string> {
    const call = ++this.#calls;
    const [ms, how] = this.plans[Math.min(call, this.plans.length) - 1]!;
    this.trace.push(`begin ${call}`);
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.trace.push(`end ${call}`);
    if (how === "fails") throw new Error("down");
    return "data";
  }
}

function subjectOf(decorators: Decorator[], plans: readonly Plan[]): Subject {
  const [first, second] = decorators as [Decorator, Decorator?];
  if (!second) {
    class One extends Subject {
      @first
      async work(): Promise<string> {
        return this.method();
      }
    }
    return new One(plans);
  }
  const inner: Decorator = second;
  class Two extends Subject {
    @first
    @inner
    async work(): Promise<string> {
      return this.method();
    }
  }
  return new Two(plans);
}

/** What happens, each with its time. */
async function traceOf({ plans, calls = [0] }: Row, decorators: Decorator[]): Promise<string[]> {
  const source = new ChaosSource();
  const kernel = await createTestKernel({
    config: { system: { chaos: true } },
    services: [[ChaosSource, source]],
  });
  const subject = kernel.adopt(subjectOf(decorators, plans));
  const began = Date.now();
  const timed: string[] = [];
  const { trace } = subject;
  trace.push = (...lines: string[]) => {
    for (const line of lines) {
      // Events carry more than the order; their tests are elsewhere.
      const shown = line.includes(":") ? line.split(" ")[0]! : line;
      timed.push(`${Date.now() - began} ${shown}`);
    }
    return timed.length;
  };
  traceEvents(kernel, trace, EVENTS);
  // Chaos strikes the first call and no other.
  source.random = () => (timed.some((line) => line.endsWith("chaos:strike")) ? 0.9 : 0.1);
  for (const at of calls) {
    await vi.advanceTimersByTimeAsync(at - (Date.now() - began));
    void subject.work().then(
      (value) => trace.push(`→ ${value}`),
      (error: { code?: string; message: string }) => trace.push(`→ ${error.code ?? error.message}`),
    );
    await vi.advanceTimersByTimeAsync(0);
  }
  await vi.advanceTimersByTimeAsync(2_000);
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  return timed;
}

describe("every two advices together", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each(rows)("$pair.0 × $pair.1: $what", async (row) => {
    const decorators = decoratorsOf(row);
    expect(await traceOf(row, decorators)).toEqual(row.trace);
    expect(await traceOf(row, decoratorsOf(row).reverse())).toEqual(row.trace);
  });

  it("are all in the table", () => {
    const names = Object.keys(advice);
    const pairs = names.flatMap((outer, index) => names.slice(index + 1).map((inner) => `${outer} ${inner}`));
    expect(rows.map(({ pair }) => pair.join(" "))).toEqual(pairs);
  });
});
