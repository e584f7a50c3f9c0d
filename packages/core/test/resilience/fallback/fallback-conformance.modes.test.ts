import { CircuitBreakers, degrade, retry, type DegradeOptions, type Kernel } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traceEvents } from "../events.js";

class E0 extends Error {}
class E1 extends E0 {}
class E2 extends E1 {}
const errors = { Error, E0, E1, E2 };

const down = new Error("down");

let kernel: Kernel;

beforeEach(async () => {
  kernel = await createTestKernel();
});
afterEach(() => kernel.stop());

const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

/** A method that throws this, under these options. */
function subjectOf(thrown: unknown, options: DegradeOptions) {
  class Service {
    @degrade({ breaker: false, ...options } as DegradeOptions)
    async call(..._args: unknown[]): Promise<unknown> {
      throw thrown;
    }
  }
  return kernel.adopt(new Service());
}

describe("MicroProfile FT: applyOn and skipOn within a hierarchy of errors", () => {
  /** `skipOn` comes before `applyOn`. */
  const except =
    (skipped: Array<new () => Error>, applied: Array<new () => Error>): DegradeOptions["when"] =>
    (error: unknown) =>
      !skipped.some((kind) => error instanceof kind) && applied.some((kind) => error instanceof kind);

  it.each<[rule: string, when: DegradeOptions["when"], answered: string, thrown: string]>([
    ["applyOn E1", E1, "E1 E2", "Error E0"],
    ["applyOn E0, skipOn E2", except([E2], [E0]), "E0 E1", "Error E2"],
    ["applyOn E0 and E2, skipOn E1", except([E1], [E0, E2]), "E0", "Error E1 E2"],
    ["applyOn all and E1, skipOn E0 and E2", except([E0, E2], [Error, E1]), "Error", "E0 E1 E2"],
  ])("%s: answers for %s", async (_, when, answered, thrown) => {
    const came = async (kind: string): Promise<unknown> => {
      const error = new errors[kind as keyof typeof errors]();
      const outcome = await outcomeOf(subjectOf(error, { fallback: { value: "kept" }, when: when! }).call());
      return outcome === error ? "its own error" : outcome;
    };
    for (const kind of answered.split(" ")) expect([kind, await came(kind)]).toEqual([kind, "kept"]);
    for (const kind of thrown.split(" ")) expect([kind, await came(kind)]).toEqual([kind, "its own error"]);
  });
});

describe("MicroProfile FT: the method that answers", () => {
  class Base {
    @degrade({ fallback: "answer", breaker: false })
    async ask(..._what: string[]): Promise<string> {
      throw down;
    }
    async answer(...what: string[]): Promise<string> {
      return `base ${what.join(" ")}`;
    }
  }
  class Inheriting extends Base {}
  class Answering extends Base {
    override async answer(): Promise<string> {
      return "subclass";
    }
  }
  class Asking extends Base {
    @degrade({ fallback: "answer", breaker: false })
    override async ask(): Promise<string> {
      throw down;
    }
  }
  afterAll(() => void [Base, Inheriting, Answering, Asking]);

  it.each<[string, () => Promise<string>, string]>([
    [
      "is called with all arguments, however many",
      () => kernel.adopt(new Base()).ask("a", "b", "c"),
      "base a b c",
    ],
    ["is called with none", () => kernel.adopt(new Base()).ask(), "base "],
    ["is inherited with the method", () => kernel.adopt(new Inheriting()).ask("x"), "base x"],
    ["is the subclass's where that overrides it", () => kernel.adopt(new Answering()).ask(), "subclass"],
    ["may be a superclass's", () => kernel.adopt(new Asking()).ask(), "base "],
  ])("%s", async (_, ask, expected) => expect(await ask()).toBe(expected));
});

describe("an answer that comes to nothing", () => {
  const worse = new Error("worse");
  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw worse;
      },
    ],
    ["rejects", async () => Promise.reject(worse)],
  ])("MicroProfile FT, opossum: a fallback that %s ends the call with that", async (_, fallback) => {
    expect(await outcomeOf(subjectOf(down, { fallback }).call())).toBe(worse);
  });
});

describe("@degrade's fallback does what other suites ask", () => {
  it("opossum, cockatiel: a fallback is told, with the error that it answers for", async () => {
    const trace: string[] = [];
    traceEvents(kernel, trace, ["degrade:fallback"]);
    await subjectOf(down, { fallback: { value: "kept" } }).call();
    expect(trace).toEqual(["degrade:fallback down"]);
  });

  it("opossum: an open breaker is answered for", async () => {
    const subject = subjectOf(down, { fallback: { value: "kept" }, breaker: { failureThreshold: 1 } });
    await subject.call();
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "open" }]);
    expect(await subject.call()).toBe("kept");
  });

  it("opossum: an error that does not count is not answered for, where it is filtered there too", async () => {
    const refused = Object.assign(new Error("404"), { status: 404 });
    const when = (error: { status?: number }) => error.status !== 404;
    const subject = subjectOf(refused, { fallback: { value: "kept" }, when, breaker: { when } });
    expect(await outcomeOf(subject.call())).toBe(refused);
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ failures: 0 }]);
  });

  it.each<[string, boolean, unknown]>([
    ["may have a breaker of its own", true, "second"],
    ["may fail in its turn, with its own error", false, down],
  ])("opossum: a fallback that is another guarded method %s", async (_, sound, expected) => {
    class Service {
      @degrade({ fallback: "second" })
      async first(): Promise<string> {
        throw new Error("first");
      }
      @degrade({ breaker: { failureThreshold: 2 } })
      async second(): Promise<string> {
        if (sound) return "second";
        throw down;
      }
    }
    const subject = kernel.adopt(new Service());
    expect(await outcomeOf(subject.first())).toBe(expected);
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([
      { operation: "Service.first", failures: 1 },
      { operation: "Service.second", failures: sound ? 0 : 1 },
    ]);
  });

  it("MicroProfile FT: a fallback on a class answers for each of its methods", async () => {
    vi.useFakeTimers();
    @degrade({ fallback: { value: "of the class" }, breaker: false })
    @retry({ maxRetries: 1, initialDelay: 0 })
    class Service {
      calls = 0;
      async one(): Promise<string> {
        this.calls += 1;
        throw down;
      }
      @degrade({ fallback: { value: "of the method" }, breaker: false })
      async two(): Promise<string> {
        this.calls += 1;
        throw down;
      }
    }
    const subject = kernel.adopt(new Service());
    const answers = Promise.all([subject.one(), subject.two()]);
    await vi.runAllTimersAsync();
    vi.useRealTimers();
    expect(await answers).toEqual(["of the class", "of the method"]);
    expect(subject.calls).toBe(4);
  });
});
