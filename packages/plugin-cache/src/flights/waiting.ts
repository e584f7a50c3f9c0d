import { OperationTimeoutError } from "@mlmcp/core";
import type { Held } from "../engine/held.js";
import type { Caller, Owner, Plan } from "../engine/plan.js";
import type { StaleReason } from "../statistics/counters.js";
import type { Computation, Landed } from "./computation.js";
import type { Flight } from "./single-flight.js";

/** What one caller gets: what the computation came to, or stale data in its place. */
export type Answer = Landed | { readonly how: "stale"; readonly held: Held; readonly reason: StaleReason };

/** How long before its deadline a caller is given stale data: a tenth of the time, within these bounds. Milliseconds. */
const [leastMargin, mostMargin] = [2, 10];

/**
 * Waits for a computation, as long as this caller is ready to: where there is stale data until
 * `softTimeout` or shortly before its deadline, and never longer than `hardTimeout`. The
 * computation goes on, and its result is kept.
 *
 * @param since when the caller came. Milliseconds since the epoch
 * @throws what the computation failed with, where there is no stale data; the reason of the caller's signal; OperationTimeoutError
 */
export async function waitFor(
  flight: Flight<Computation>,
  { owner, timing }: Plan,
  { signal, deadline }: Caller,
  since: number,
): Promise<Answer> {
  const { softTimeout, hardTimeout, grace } = timing;
  const limits: NodeJS.Timeout[] = [];
  const isLimited =
    softTimeout !== undefined || hardTimeout !== undefined || (grace && deadline !== undefined);
  try {
    if (!isLimited) return await flight.wait(signal);
    return await new Promise<Answer>((resolve, reject) => {
      const stand = (reason: StaleReason): boolean => {
        const { stale } = flight.work;
        if (!stale) return false;
        goOn(flight, owner);
        resolve({ how: "stale", held: stale, reason });
        return true;
      };
      const after = (ms: number, then: () => void): void =>
        void limits.push(setTimeout(then, Math.max(0, since + ms - Date.now())));
      if (softTimeout !== undefined)
        after(softTimeout, () => void flight.work.lookedUp.then(() => stand("slow")));
      if (hardTimeout !== undefined) {
        after(hardTimeout, () => {
          if (stand("slow")) return;
          goOn(flight, owner);
          reject(tooSlow(owner.operation, hardTimeout));
        });
      }
      if (grace && deadline !== undefined) {
        const left = deadline - since;
        const margin = Math.min(mostMargin, Math.max(leastMargin, left / 10));
        after(left - margin, () => void stand("deadline"));
      }
      flight.wait(signal).then(resolve, reject);
    });
  } catch (error) {
    const { stale } = flight.work;
    if (!stale || signal?.aborted) throw error;
    return { how: "stale", held: stale, reason: "error" };
  } finally {
    for (const limit of limits) clearTimeout(limit);
  }
}

/** What a promise comes to; the reason of the signal as soon as that aborts. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason as Error);
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

/** Lets a computation go on though nobody waits, and tells how it ended. */
export function goOn(flight: Flight<Computation>, { observer }: Owner): void {
  if (!flight.detach()) return;
  flight.work.promise.then(
    ({ how }) => how !== "left" && observer.refreshed(true),
    (error: unknown) => observer.refreshed(false, error),
  );
}

function tooSlow(operation: string, timeoutMs: number): OperationTimeoutError {
  return new OperationTimeoutError(
    `${operation} did not answer within ${timeoutMs} ms, the hardTimeout of @cached; it goes on, and its result is kept.`,
    {
      context: { operation, reason: "hard", timeoutMs },
      suggestions: [
        "Call again: the result may be there by then.",
        `Give it more time where it needs that: operations."${operation}".cached.hardTimeout in the configuration.`,
      ],
    },
  );
}
