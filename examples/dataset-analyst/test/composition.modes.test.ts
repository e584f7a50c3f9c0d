import { ChaosSource, onEvent, type AnyDecorator, type EventName } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cachePlugin } from "@mlmcp/plugin-cache";
import { monitorPlugin } from "@mlmcp/plugin-monitor";
import { parallelPlugin } from "@mlmcp/plugin-parallel";
import { validatePlugin } from "@mlmcp/plugin-validate";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { advice, plugins, resilience, rows, type Plan, type Row } from "./composition-rows.js";

const EVENTS = [
  ...[
    "retry:attempt",
    "retry:giveUp",
    "degrade:fallback",
    "breaker:open",
    "breaker:reject",
    "timeout:expire",
  ],
  ...["bulkhead:reject", "rateLimit:reject", "hedge:attempt", "hedge:win", "chaos:strike"],
  ...["validation:failed", "cache:hit", "cache:miss", "cache:set", "operation:slow", "parallel:task"],
] as EventName[];

type Decorator = ReturnType<AnyDecorator>;

abstract class Subject {
  #calls = 0;
  readonly happened: string[] = [];

  constructor(private readonly plans: readonly Plan[]) {}

  abstract work(argument: string): Promise<string>;

  protected async method(): Promise<string> {
    const call = ++this.#calls;
    const [ms, how] = this.plans[Math.min(call, this.plans.length) - 1]!;
    this.happened.push(`begin ${call}`);
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.happened.push(`end ${call}`);
    if (how === "fails") throw new Error("down");
    return how ?? "data";
  }
}

function subjectOf(first: Decorator, second: Decorator, plans: readonly Plan[]): Subject {
  class Both extends Subject {
    @first
    @second
    async work(_argument: string): Promise<string> {
      return this.method();
    }
  }
  return new Both(plans);
}

/** What happens: times, and at each what comes in turn. */
async function traceOf(
  [, , , plans, calls]: Row,
  decorators: readonly [Decorator, Decorator],
): Promise<string> {
  const source = new ChaosSource();
  const kernel = await createTestKernel({
    plugins: [cachePlugin, monitorPlugin, parallelPlugin, validatePlugin],
    config: {
      system: { chaos: true },
      cache: { store: "memory:" },
      parallel: { runtime: "inline" },
    },
    services: [[ChaosSource, source]],
  });
  const subject = kernel.adopt(subjectOf(...decorators, plans));
  const began = Date.now();
  const trace: string[] = [];
  let last = -1;
  subject.happened.push = (...lines: string[]) => {
    const now = Date.now() - began;
    if (now !== last) trace.push(`${(last = now)}:`);
    return trace.push(...lines.map((line) => `${line},`));
  };
  for (const name of EVENTS)
    onTestFinished(onEvent(name, (event) => event.kernel === kernel.id && subject.happened.push(name)));
  // Chaos strikes the first call and no other.
  source.random = () => (trace.includes("chaos:strike,") ? 0.9 : 0.1);
  for (const when of calls) {
    const [at, argument] = typeof when === "number" ? [when, "a"] : when;
    await vi.advanceTimersByTimeAsync(at - (Date.now() - began));
    void subject.work(argument).then(
      (value) => subject.happened.push(`→ ${value}`),
      (error: { code?: string; message: string }) =>
        subject.happened.push(`→ ${error.code ?? error.message}`),
    );
    await vi.advanceTimersByTimeAsync(0);
  }
  await vi.advanceTimersByTimeAsync(2_000);
  await kernel.stop();
  return trace.join(" ").replaceAll(/,( \d+:|$)/g, "$1");
}

describe("the advice of every plugin together with that of resilience", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it.each(rows)("%s × %s: %s", async (...row) => {
    const [other, one] = row.slice(0, 2).map((name) => {
      const { decorator, options } = advice[name as keyof typeof advice];
      return (decorator as AnyDecorator)(options);
    }) as [Decorator, Decorator];
    expect(await traceOf(row, [other, one])).toBe(row[5]);
    expect(await traceOf(row, [one, other])).toBe(row[5]);
  });

  it("is all in the table", () => {
    const pairs = plugins.flatMap((other) => resilience.map((one) => `${other} ${one}`));
    expect(rows.map(([other, one]) => `${other} ${one}`)).toEqual(pairs);
  });
});
