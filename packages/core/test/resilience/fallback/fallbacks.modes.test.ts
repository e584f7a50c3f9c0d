import {
  ConfigurationError,
  degrade,
  definePlugin,
  STALE_ANSWERS,
  ValidationError,
  type DegradeOptions,
  type FailedCall,
  type Kernel,
  type StaleAnswers,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { traceEvents } from "../events.js";

const down = new Error("down");
const withCode = (code: string) => Object.assign(new Error(code), { code });
const withStatus = (status: number) => Object.assign(new Error(String(status)), { status });
class Refused extends Error {}
class RefusedTwice extends Refused {}

let kernel: Kernel;

beforeEach(async () => {
  kernel = await createTestKernel();
});
afterEach(() => kernel.stop());

/** What comes of a call whose method throws this, under these options. */
async function outcomeOf(thrown: unknown, options: DegradeOptions, on = kernel): Promise<unknown> {
  class Service {
    @degrade({ breaker: false, ...options } as DegradeOptions)
    async call(..._args: unknown[]): Promise<unknown> {
      throw thrown;
    }
  }
  return on
    .adopt(new Service())
    .call("argument")
    .catch((error: unknown) => error);
}

describe("`when` of @degrade", () => {
  const fallback = { value: "kept" };

  it.each<[string, DegradeOptions["when"], unknown, boolean]>([
    ["a class of errors", Refused, new Refused(), true],
    ["a class, for its subclasses", Refused, new RefusedTwice(), true],
    ["a class, not for others", Refused, down, false],
    ["a predicate", (error: Error) => error.message === "down", down, true],
    ["a predicate that says no", () => false, down, false],
    ["a code", "ECONNREFUSED", withCode("ECONNREFUSED"), true],
    ["a code, not for others", "ECONNREFUSED", withCode("ENOENT"), false],
    ["a name", "TypeError", new TypeError("no"), true],
    ["a class of classifyError", "transient", withCode("ECONNRESET"), true],
    ["a class of classifyError, not for others", "transient", withCode("ENOENT"), false],
    ["an HTTP status", 503, withStatus(503), true],
    ["one of several", ["transient", Refused], new Refused(), true],
    ["none of several", ["transient", Refused], withCode("ENOENT"), false],
    ["errors of validation, where it asks for them", ValidationError, new ValidationError("no"), true],
    ["errors of validation by their class", "validation", new ValidationError("no"), true],
    ["errors of cancelling, where it asks for them", "cancelled", new DOMException("no", "AbortError"), true],
  ])("picks %s", async (_, when, thrown, falls) => {
    expect(await outcomeOf(thrown, { fallback, when: when! })).toBe(falls ? "kept" : thrown);
  });

  it.each<[string, unknown, boolean]>([
    ["an error that says nothing", down, true],
    ["what is no error", "a text", true],
    ["a permanent one", withCode("ENOENT"), true],
    ["one of resources", withCode("ENOSPC"), true],
    ["one of validation", new ValidationError("no"), false],
    [
      "another library's error of validation",
      Object.assign(new Error("no"), { name: "ZodError", issues: [] }),
      false,
    ],
    ["one of the configuration", new ConfigurationError("no"), false],
    ["one of cancelling", new DOMException("no", "AbortError"), false],
  ])("lets the fallback stand in for %s, or not, where nothing is said", async (_, thrown, falls) => {
    expect(await outcomeOf(thrown, { fallback })).toBe(falls ? "kept" : thrown);
  });

  it("never asks for a caller who has given up", async () => {
    const controller = new AbortController();
    const run = () => {
      controller.abort();
      return outcomeOf(down, { fallback, when: () => true });
    };
    expect(await kernel.withContext({ signal: controller.signal }, run)).toBe(down);
  });

  it("can be written in a configuration, as texts and numbers", async () => {
    const config = { operations: { "Service.call": { degrade: { when: ["ECONNREFUSED", 503] } } } };
    await using tuned = await createTestKernel({ config });
    expect(await outcomeOf(withStatus(503), { fallback }, tuned)).toBe("kept");
    expect(await outcomeOf(down, { fallback }, tuned)).toBe(down);
  });
});

describe('the fallback "stale"', () => {
  const plugin = (answers: StaleAnswers) =>
    definePlugin({
      name: "keeper",
      register: ({ services }) => services.value(STALE_ANSWERS, answers),
    });
  const keeping = (answers: StaleAnswers) => createTestKernel({ plugins: [plugin(answers)] });

  it("answers with what is still kept of the same call, and says that it is stale", async () => {
    const asked: FailedCall[] = [];
    await using keeper = await keeping({
      find(call) {
        asked.push(call);
        return { value: `${call.operation.id} of yesterday` };
      },
    });
    const trace: string[] = [];
    traceEvents(keeper, trace, ["degrade:fallback"]);
    const outcome = await keeper.outcome(() => outcomeOf(down, { fallback: "stale" }, keeper));
    expect(outcome).toMatchObject({ value: "Service.call of yesterday", degraded: true, stale: true });
    expect(asked).toMatchObject([{ args: ["argument"], error: down, self: expect.any(Object) }]);
    expect(trace).toEqual(["degrade:fallback down"]);
  });

  it.each<[string, StaleAnswers["find"]]>([
    ["nothing is kept", () => undefined],
    ["nothing is kept, as it turns out", async () => undefined],
    [
      "the keeper fails",
      () => {
        throw new Error("the keeper's fault");
      },
    ],
    ["the keeper fails later", async () => Promise.reject(new Error("the keeper's fault"))],
  ])("gives the method's own error where %s", async (_, find) => {
    await using keeper = await keeping({ find });
    const outcome = await keeper.outcome(() => outcomeOf(down, { fallback: "stale" }, keeper));
    expect(outcome).toMatchObject({ value: down, degraded: false, stale: false });
  });

  it("tells of a keeper that fails", async () => {
    await using keeper = await keeping({ find: async () => Promise.reject(new Error("the keeper's fault")) });
    const trace: string[] = [];
    traceEvents(keeper, trace, ["advice:failed", "degrade:fallback"]);
    await outcomeOf(down, { fallback: "stale" }, keeper);
    expect(trace).toEqual(["advice:failed degrade the keeper's fault"]);
  });

  it("may be an earlier `undefined`", async () => {
    await using keeper = await keeping({ find: async () => ({ value: undefined }) });
    expect(await outcomeOf(down, { fallback: "stale" }, keeper)).toBeUndefined();
  });

  it("answers in place of a stream with the items that are kept", async () => {
    await using keeper = await keeping({ find: () => ({ value: [1, 2] }) });
    class Service {
      @degrade({ breaker: false, fallback: "stale" })
      async *items(): AsyncGenerator<number> {
        yield await Promise.reject(down);
      }
    }
    const items: number[] = [];
    for await (const item of keeper.adopt(new Service()).items()) items.push(item);
    expect(items).toEqual([1, 2]);
  });

  it("is an error at the first call where nothing keeps answers, and says what to install", async () => {
    const error = await outcomeOf(down, { fallback: "stale" });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({
      code: "MLMCP_STALE_ANSWERS",
      message: expect.stringMatching(/Service\.call .*Install @mlmcp\/plugin-cache/),
    });
  });

  it("is an error at the first call where the keeper cannot serve the operation, in its own words", async () => {
    await using keeper = await keeping({
      problem: ({ id }) => `${id} is not cached. Put @cached() on it.`,
      find: () => ({ value: "never" }),
    });
    expect(await outcomeOf(down, { fallback: "stale" }, keeper)).toMatchObject({
      code: "MLMCP_STALE_ANSWERS",
      message:
        '@degrade on Service.call falls back on "stale", but Service.call is not cached. Put @cached() on it.',
    });
  });
});
