import type { Invoke, Observer } from "../plugin.js";
import { whenOver } from "./ending.js";

/** Reports what an observer throws instead of letting it reach the caller. */
export function guarded(observer: Observer, report: (error: unknown) => void): Observer {
  return {
    start(self, args) {
      try {
        return observer.start(self, args);
      } catch (error) {
        report(error);
        return failedToStart;
      }
    },
    end(started, ok, outcome) {
      if (started === failedToStart) return;
      try {
        observer.end(started, ok, outcome);
      } catch (error) {
        report(error);
      }
    },
  };
}

const failedToStart = Symbol("failed to start");

/** Several observers as one, the first outermost. */
export function together(observers: readonly Observer[]): Observer | undefined {
  if (observers.length < 2) return observers[0];
  return {
    start: (self, args) => observers.map((observer) => observer.start(self, args)),
    end(started, ok, outcome) {
      const tokens = started as unknown[];
      for (let index = observers.length - 1; index >= 0; index--)
        observers[index]!.end(tokens[index], ok, outcome);
    },
  };
}

/** An observer that stands inside other steps, as a step of its own. */
export function observeStep(next: Invoke, observer: Observer): Invoke {
  return (self, args) => {
    const started = observer.start(self, args);
    let result: unknown;
    try {
      result = next(self, args);
    } catch (error) {
      observer.end(started, false, error);
      throw error;
    }
    return whenOver(result, (ok, outcome) => observer.end(started, ok, outcome));
  };
}
