import type { Countdown, TimerEnd, Timers } from "../timing/timers.js";

/** The attempts of one call that stand in for each other. */
export interface HedgedWork {
  /** Makes an attempt: 0 is the first, the others are its hedges. Never throws at once. */
  attempt(index: number): Promise<unknown>;
  /** The attempt has lost, and is to end. */
  abandon(index: number): void;
  /** Asks for one more attempt, the how-manieth hedge. Where it is refused no other follows. */
  admit(index: number): boolean;
  /** The attempt has succeeded first, of so many that were made. */
  won(index: number, attempts: number): void;
}

export interface HedgePolicy {
  /** Milliseconds from the beginning of one attempt to that of the next. */
  readonly after: number;
  /** Attempts besides the first. */
  readonly maxHedges: number;
}

/**
 * Makes an attempt, and others beside it while there is no answer. The first success is the answer,
 * and all other attempts are abandoned. Where an attempt fails the others are waited for; where it
 * was the only one it is the answer, because to try again is a retry's business.
 *
 * @throws the last error, where all attempts fail
 */
export function hedge(work: HedgedWork, { after, maxHedges }: HedgePolicy, timers: Timers): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const pending = new Set<number>();
    let attempts = 0;
    let countdown: Countdown | undefined;
    let over = false;

    const begin = (): void => {
      const index = attempts;
      attempts += 1;
      pending.add(index);
      if (attempts <= maxHedges && !timers.ended) {
        // By way of a promise, which goes on in the call's context; a timer's callback need not.
        const due = new Promise<TimerEnd>((end) => {
          countdown = timers.start(after, end);
        });
        void due.then((end) => {
          if (!over && end === "time" && work.admit(attempts)) begin();
        });
      }
      work.attempt(index).then(
        (value) => {
          if (over) return;
          finish(index);
          work.won(index, attempts);
          resolve(value);
        },
        (error: unknown) => {
          pending.delete(index);
          if (over || pending.size > 0) return;
          finish(index);
          reject(error as Error);
        },
      );
    };
    const finish = (ended: number): void => {
      over = true;
      countdown?.clear();
      pending.delete(ended);
      for (const loser of pending) work.abandon(loser);
    };
    begin();
  });
}
