import type { After, Invoke } from "../plugin.js";
import type { CallNode } from "./call.js";

/** Ends a call on the continuation of its advice, before its caller hears of it. */
export type EndCall = (started: unknown, node: CallNode | undefined, ok: boolean, outcome: unknown) => void;

/** A step that takes along what the end of its call is told besides the outcome. */
export type EndingInvoke = (
  self: unknown,
  args: unknown[],
  started?: unknown,
  node?: CallNode,
) => Promise<unknown>;

/**
 * A step inside a row of after-advice, the outermost first, all on one continuation: each further
 * one costs every call. What a member throws ends the call for those outside it; a promise that one
 * gives is waited for.
 */
export function insideAfters(next: Invoke, row: readonly After[], end: EndCall = endNothing): EndingInvoke {
  return row.length === 1 ? insideOne(next, row[0]!, end) : insideSeveral(next, row, end);
}

/** What {@link insideSeveral} does, without a list and a closure for each call. */
function insideOne(next: Invoke, { begin, returned, threw }: After, end: EndCall): EndingInvoke {
  const settle = (
    handle: NonNullable<After["returned"]>,
    ended: unknown,
    begun: unknown,
    self: unknown,
    args: unknown[],
    started: unknown,
    node: CallNode | undefined,
  ): unknown => {
    let outcome: unknown;
    try {
      outcome = handle(ended, begun, self, args);
    } catch (error) {
      end(started, node, false, error);
      throw error;
    }
    if (isThenable(outcome)) return endLater(outcome, end, started, node);
    end(started, node, true, outcome);
    return outcome;
  };
  return (self, args, started, node) => {
    let inside = false;
    let begun: unknown;
    let result: unknown;
    try {
      begun = begin?.(self, args);
      inside = true;
      result = next(self, args);
    } catch (error) {
      result = Promise.reject(error);
    }
    return (result instanceof Promise ? result : Promise.resolve(result)).then(
      (value) => {
        if (returned) return settle(returned, value, begun, self, args, started, node);
        end(started, node, true, value);
        return value;
      },
      (error: unknown) => {
        if (threw && inside) return settle(threw, error, begun, self, args, started, node);
        end(started, node, false, error);
        throw error;
      },
    );
  };
}

function endLater(
  outcome: PromiseLike<unknown>,
  end: EndCall,
  started: unknown,
  node: CallNode | undefined,
): Promise<unknown> {
  return Promise.resolve(outcome).then(
    (value) => {
      end(started, node, true, value);
      return value;
    },
    (error: unknown) => {
      end(started, node, false, error);
      throw error;
    },
  );
}

function insideSeveral(next: Invoke, row: readonly After[], end: EndCall): EndingInvoke {
  return (self, args, started, node) => {
    const begun: unknown[] = [];
    let result: unknown;
    try {
      for (const after of row) begun.push(after.begin?.(self, args));
      result = next(self, args);
    } catch (error) {
      result = Promise.reject(error);
    }
    /** Hands an outcome outwards, through the first so many of the row. */
    const settle = (inside: number, ok: boolean, outcome: unknown): unknown => {
      for (let index = inside - 1; index >= 0; index -= 1) {
        const handle = ok ? row[index]!.returned : row[index]!.threw;
        if (!handle) continue;
        try {
          outcome = handle(outcome, begun[index], self, args);
          ok = true;
        } catch (error) {
          outcome = error;
          ok = false;
        }
        if (ok && isThenable(outcome)) return settleLater(index, outcome);
      }
      end(started, node, ok, outcome);
      if (ok) return outcome;
      throw outcome;
    };
    const settleLater = (inside: number, outcome: PromiseLike<unknown>): Promise<unknown> =>
      Promise.resolve(outcome).then(
        (value) => settle(inside, true, value),
        (error: unknown) => settle(inside, false, error),
      );
    return settleLater(begun.length, result instanceof Promise ? result : Promise.resolve(result));
  };
}

function endNothing(): void {}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as Partial<PromiseLike<unknown>>).then === "function"
  );
}
