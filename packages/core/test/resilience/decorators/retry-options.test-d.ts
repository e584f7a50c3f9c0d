import {
  attemptsOf,
  classifyError,
  ErrorHandler,
  handled,
  retry,
  withErrorHandling,
  type Classified,
} from "@mlmcp/core";
import { describe, expectTypeOf, it } from "vitest";

class HttpError extends Error {
  constructor(readonly status: number) {
    super();
  }
}

describe("the options of @retry", () => {
  it("take conditions in every form", () => {
    retry({ retryIf: HttpError });
    retry({ retryIf: [HttpError, "ECONNRESET", 503, (error: HttpError) => error.status > 500] });
    retry({ abortIf: (error) => expectTypeOf(error).toEqualTypeOf<unknown>() === null });
    retry({ retryResultIf: (response: Response) => response.status === 503 });
    retry({ backoff: (attempt, error: HttpError) => attempt * error.status });
    retry({ budget: { name: "upstream" }, idempotent: true });
  });

  it("refuse what cannot work", () => {
    // @ts-expect-error an async predicate would always be true
    retry({ retryIf: async () => true });
    // @ts-expect-error an async condition would always be true
    retry({ retryResultIf: async () => true });
    // @ts-expect-error no such strategy
    retry({ backoff: "fibonacci" });
    // @ts-expect-error a function that gives a text
    retry({ backoff: () => "1s" });
    // @ts-expect-error no such jitter
    retry({ jitter: "half" });
    // @ts-expect-error a budget is false or its options
    retry({ budget: true });
  });
});

describe("handling errors", () => {
  it("says of what class an error is", () => {
    expectTypeOf(classifyError(0)).toEqualTypeOf<Classified>();
    expectTypeOf(attemptsOf(0)[0]!.error).toEqualTypeOf<unknown>();
  });

  it("keeps the type of the function, but for the undefined that stands for an error", () => {
    const handler = new ErrorHandler();
    const load = async (file: string) => file.length;
    const count = (file: string) => file.length;
    expectTypeOf(withErrorHandling(load, { handler })).toExtend<(file: string) => Promise<number>>();
    expectTypeOf(withErrorHandling(count, { handler })("x")).toEqualTypeOf<number>();
    expectTypeOf(withErrorHandling(load, { handler, rethrow: false })("x")).toEqualTypeOf<
      Promise<number | undefined>
    >();
    expectTypeOf(withErrorHandling(count, { handler, rethrow: false })("x")).toEqualTypeOf<
      number | undefined
    >();
    // @ts-expect-error a context of other arguments
    withErrorHandling(load, { handler, context: (rows: number) => ({ rows }) });
  });

  it("serves every kind of method", () => {
    class Subject {
      @handled()
      sync(): number {
        return 1;
      }
      @handled({ context: (file: string) => ({ file }) })
      async load(file: string): Promise<string> {
        return file;
      }
      @handled("rows")
      async *rows(): AsyncGenerator<number> {
        yield 1;
      }
    }
    expectTypeOf({} as Subject).not.toBeNever();
    // @ts-expect-error a context is a text, an object or a function
    handled({ context: 1 });
  });
});
