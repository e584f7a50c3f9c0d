import { BulkheadFullError } from "../../errors/index.js";
import type { Call } from "../../operations/call.js";
import { continueWith } from "../../operations/continuation.js";
import { createMethodDecorator } from "../../operations/decorator.js";
import { whenOver } from "../../operations/ending.js";
import type { AroundPart, Binding, Invoke } from "../../plugin.js";
import { Bulkhead, type BulkheadReason } from "../limits/bulkhead.js";
import { Bulkheads } from "../limits/bulkheads.js";
import { leaveLimiter } from "../limits/limiters.js";
import {
  bulkheadSchema,
  maxConcurrentSchema,
  type BulkheadOptions,
  type EffectiveBulkheadOptions,
} from "../options/bulkhead.js";
import { Timers } from "../timing/timers.js";

/**
 * Limits how many calls of the method run at the same time. Some more may wait, in the order in
 * which they came; all others are refused with a `BulkheadFullError`, which is neither retried nor
 * counted by a breaker.
 *
 * A call holds its place until the method has ended, also where a timeout has released its caller
 * before: what still runs still counts. A method that returns an async iterable holds it until its
 * iteration ends. A caller who gives up leaves the queue. Calls that wait inside the very calls that
 * hold all places are refused after a second in which nothing moved. `Bulkheads` lists those of a
 * kernel.
 *
 * ```ts
 * class Reports {
 *   @bulkhead({ maxConcurrent: 4, queue: 20, queueTimeout: "2s" })
 *   async render(id: string) { return this.renderer.pdf(id); }
 * }
 * ```
 *
 * `@bulkhead(4)` is short for `@bulkhead({ maxConcurrent: 4 })`.
 */
export const bulkhead = createMethodDecorator<BulkheadOptions, number>({
  name: "bulkhead",
  schema: bulkheadSchema,
  shorthand: { schema: maxConcurrentSchema, read: (maxConcurrent) => ({ maxConcurrent }) },
  serves: { streams: true },
  context: true,
  settings: () => ["bulkhead"],
  parts: [bulkheadPart((options) => options as EffectiveBulkheadOptions)],
});

/** The part of an advice that limits how many calls run. */
export function bulkheadPart<Options extends object>(
  optionsOf: (options: Options) => EffectiveBulkheadOptions | undefined,
): AroundPart<Options> {
  return {
    at: "bulkhead",
    when: (options) => optionsOf(options) !== undefined,
    around: (next, binding) => aroundBulkhead(next, binding, optionsOf(binding.options)!),
  };
}

function aroundBulkhead<Options extends object>(
  next: Invoke,
  binding: Binding<Options>,
  { sharedAs, ...limits }: EffectiveBulkheadOptions,
): Invoke {
  const { id: operation, returns } = binding.operation;
  const bulkheads = binding.resolve(Bulkheads);
  const timers = binding.resolve(Timers);
  const waits = binding.event("bulkhead:wait");
  const rejected = binding.event("bulkhead:reject");
  const membership = binding.keep(
    "bulkhead",
    () => bulkheads.join({ operation, sharedAs, limits, create: () => new Bulkhead(limits, timers) }),
    leaveLimiter,
  );
  membership.confirm(binding.config);
  const places = membership.limiter;

  const run = (self: unknown, args: unknown[], holder: Call | undefined): unknown =>
    returns === "stream"
      ? whenOver(begin(next, self, args), () => places.leave(holder))
      : continueWith(
          next,
          self,
          args,
          (value) => {
            places.leave(holder);
            return value;
          },
          (error) => {
            places.leave(holder);
            throw error;
          },
        );

  const waitAndRun = async (self: unknown, args: unknown[], call: Call | undefined): Promise<unknown> => {
    if (waits.active && places.waiting < places.limits.queue) waits.publish({ waiting: places.waiting + 1 });
    const reason = await places.wait(call?.signal, call, holdersAround(call, places));
    if (reason) {
      const { running, waiting } = places;
      if (rejected.active) rejected.publish({ reason, running, waiting });
      throw noPlace(operation, sharedAs, reason, places);
    }
    if (call?.aborted) {
      // The place fell free and the caller gave up at the same moment.
      places.leave(call);
      throw call.reason;
    }
    return run(self, args, call);
  };
  return (self, args) => {
    const call = places.limits.queue > 0 ? binding.call() : undefined;
    return places.enter(call) ? run(self, args, call) : waitAndRun(self, args, call);
  };
}

/** The calls with a place that a call is a part of. */
function holdersAround(call: Call | undefined, places: Bulkhead): Call[] {
  const holders: Call[] = [];
  for (let around = call?.enclosing; around; around = around.enclosing)
    if (places.holds(around)) holders.push(around);
  return holders;
}

/** What it throws at once as a rejection. */
async function begin(next: Invoke, self: unknown, args: unknown[]): Promise<unknown> {
  return next(self, args);
}

function noPlace(
  operation: string,
  sharedAs: string | undefined,
  reason: BulkheadReason,
  { running, waiting, limits: { maxConcurrent, queueTimeout } }: Bulkhead,
): BulkheadFullError {
  const which = sharedAs === undefined ? "its bulkhead" : `the bulkhead "${sharedAs}"`;
  const stories: Record<BulkheadReason, string> = {
    full: `${which} is full: ${running} calls run (maxConcurrent ${maxConcurrent}) and ${waiting} wait`,
    queueTimeout: `no place in ${which} fell free within ${queueTimeout} ms`,
    recursion: `all ${running} calls that ${which} lets run (maxConcurrent ${maxConcurrent}) seem to wait for calls like this one, which they have made themselves and which wait for a place`,
    stopped: `it still waited for ${which} when its kernel stopped`,
  };
  return new BulkheadFullError(`${operation} was not called: ${stories[reason]}.`, {
    context: { operation, reason, running, waiting, ...(sharedAs === undefined ? {} : { sharedAs }) },
    suggestions:
      reason === "recursion"
        ? [
            "Move what calls itself into a method without a bulkhead, which the decorated one calls.",
            "Where it is not waited for, make the call once the one around it has ended.",
          ]
        : [
            "Call again later, or let calls wait: `queue` and `queueTimeout`.",
            "Raise `maxConcurrent` if what the method depends on can take more.",
          ],
  });
}
