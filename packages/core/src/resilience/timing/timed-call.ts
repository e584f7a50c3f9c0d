import { OpenStream } from "../../operations/iteration.js";
import { TimedIteration } from "./timed-iteration.js";
import type { TimerEnd, Timers } from "./timers.js";

/** Work that may take only so long, as its time limit sees it. */
export interface TimedWork {
  run(): unknown;
  /** The time is up: ends the work as far as it listens, and answers what its caller gets. */
  expire(end: TimerEnd): unknown;
  /** The work has ended all the same, when nobody waited for it any more. */
  late(ok: boolean, outcome: unknown): void;
}

/**
 * Runs work and waits for it, but no longer than `ms` milliseconds; an iteration that it opens
 * counts until its end. Its caller is released in time also where the work goes on: what becomes
 * of that reaches nobody, and its rejection is handled.
 *
 * @throws what `expire` answers, where the time is up
 */
export function withinTime(work: TimedWork, ms: number, timers: Timers): Promise<unknown> {
  if (timers.ended) return Promise.reject(work.expire("stopped") as Error);
  return new Promise((resolve, reject) => {
    let expired = false;
    let fail: (error: unknown) => void = reject;
    const countdown = timers.start(ms, (end) => {
      expired = true;
      fail(work.expire(end));
    });
    let result: unknown;
    try {
      result = work.run();
    } catch (error) {
      countdown.clear();
      return reject(error as Error);
    }
    const onValue = (value: unknown): void => {
      if (expired) return endLate(work, value);
      if (value instanceof OpenStream) {
        const iteration = new TimedIteration(value, () => countdown.clear());
        fail = (error) => iteration.fail(error);
        return resolve(OpenStream.open(iteration));
      }
      countdown.clear();
      resolve(value);
    };
    const onError = (error: unknown): void => {
      if (expired) return work.late(false, error);
      countdown.clear();
      reject(error as Error);
    };
    (result instanceof Promise ? result : Promise.resolve(result)).then(onValue, onError);
  });
}

/** An iteration that nobody will read is left, so that what it has opened is closed. */
function endLate(work: TimedWork, value: unknown): void {
  if (value instanceof OpenStream) {
    const left = new TimedIteration(value, () => undefined);
    void left.return().catch(() => undefined);
  }
  work.late(true, value);
}
