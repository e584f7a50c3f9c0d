import { ConfigurationError } from "../../errors/index.js";
import type { CallScope } from "../../operations/call.js";
import { continueWith } from "../../operations/continuation.js";
import { createMethodDecorator } from "../../operations/decorator.js";
import type { DecorationOptions, OperationDecorator } from "../../operations/decorator-types.js";
import type { Advice, Binding, Invoke } from "../../plugin.js";
import { hedge as hedgeCall } from "../hedge/hedge.js";
import { Latencies } from "../hedge/latencies.js";
import { hedgeSchema, type EffectiveHedgeOptions, type HedgeOptions } from "../options/hedge.js";
import { RetryBudgets } from "../retry/retry-budget.js";
import { now } from "../timing/clock.js";
import { Timers } from "../timing/timers.js";

const harmless =
  "@hedge runs a method twice at the same time, so it must be told that this does no harm: `@hedge({ idempotent: true })`.";

const decorator = createMethodDecorator<HedgeOptions>({
  name: "hedge",
  schema: hedgeSchema,
  context: true,
  // For plain functions, which no decorator is written on.
  check: ({ idempotent }) => (idempotent ? undefined : harmless),
  parts: [{ at: "hedge", around }],
});

/**
 * Makes a second attempt beside one that takes long, and answers with whichever succeeds first. It
 * cuts the slowest calls short at the price of some more work (J. Dean, L. A. Barroso, "The Tail at
 * Scale", Communications of the ACM 56(2), 2013): with `after: "p95"` of about one call in twenty.
 *
 * The attempt that loses is abandoned: its `currentOperation()?.signal` aborts. An attempt that fails
 * alone is not hedged, `@retry` is for that; where several fail the caller gets the last error. Only
 * for methods that return promises and may run twice, which `idempotent: true` says. `budget` keeps
 * hedges from doubling the work of a service that is slow because it has too much.
 *
 * ```ts
 * class Search {
 *   @hedge({ after: "p95", idempotent: true })
 *   async find(text: string) {
 *     return this.replicas.query(text, { signal: currentOperation()?.signal });
 *   }
 * }
 * ```
 */
export const hedge: HedgeDecorator = Object.assign(
  (options: HedgeOptions & DecorationOptions) => {
    requireIdempotent(options);
    return decorator(options);
  },
  { advice: decorator.advice },
);

/** The type of {@link hedge}: its options cannot be left out. */
export interface HedgeDecorator {
  (options: HedgeOptions & DecorationOptions): OperationDecorator<PromiseLike<unknown>>;
  readonly advice: Advice<HedgeOptions>;
}

function requireIdempotent(options: unknown): void {
  if (typeof options === "function") return;
  if ((options as Partial<HedgeOptions> | undefined)?.idempotent === true) return;
  throw new ConfigurationError(harmless, {
    code: "MLMCP_HEDGE_IDEMPOTENT",
    context: { decorator: "hedge", options },
    suggestions: [
      "Hedge methods that only read, or whose work carries a key that the other side knows it by.",
      "Use @timeout and @retry where a second run must wait for the end of the first.",
    ],
  });
}

function around(next: Invoke, binding: Binding<HedgeOptions>): Invoke {
  const timers = binding.resolve(Timers);
  const { after, maxHedges, budget } = binding.options as EffectiveHedgeOptions;
  const allowance = budget
    ? binding.resolve(RetryBudgets).join(binding.operation, budget, binding.config)
    : undefined;
  const hedging = binding.event("hedge:attempt");
  const throttled = binding.event("hedge:throttle");
  const answered = binding.event("hedge:win");
  const latencies = binding.keep("latencies", () => new Latencies());
  const percentile = typeof after === "number" ? undefined : Number(after.slice(1));

  const alone = (self: unknown, args: unknown[]): Promise<unknown> => {
    const startedAt = performance.now();
    return continueWith(
      next,
      self,
      args,
      (value) => {
        latencies.record(performance.now() - startedAt);
        return value;
      },
      rethrow,
    );
  };

  return (self, args) => {
    allowance?.called(now());
    const delay = percentile === undefined ? (after as number) : latencies.percentile(percentile);
    if (delay === undefined) return alone(self, args);
    const startedAt = performance.now();
    const caller = binding.call();
    const scopes: Array<CallScope | undefined> = [];
    return hedgeCall(
      {
        attempt(index) {
          if (index > 0 && hedging.active) hedging.publish({ hedge: index, afterMs: delay });
          const scope = (scopes[index] = binding.fork({}));
          const run: Invoke = scope ? (of, given) => scope.run(next, of, given) : next;
          return continueWith(run, self, args, undefined, rethrow);
        },
        abandon: (index) =>
          scopes[index]?.abort(new DOMException("Another attempt has answered first.", "AbortError")),
        admit(index) {
          if (caller?.aborted) return false;
          if (!allowance || allowance.withdraw(now())) return true;
          if (throttled.active) throttled.publish({ hedge: index, afterMs: delay });
          return false;
        },
        won(index, attempts) {
          // Also where the first attempt lost: without the slow ones the percentile would fall and fall.
          latencies.record(performance.now() - startedAt);
          if (attempts === 1 || caller?.aborted) return;
          binding.note({ attempts });
          if (answered.active) answered.publish({ hedge: index, attempts });
        },
      },
      { after: delay, maxHedges },
      timers,
    );
  };
}

function rethrow(error: unknown): never {
  throw error;
}
