import {
  CircuitBreakers,
  CircuitOpenError,
  currentOperation,
  degrade,
  retry,
  type BreakerOptions,
  type Kernel,
  type KernelConfig,
  type RetryOptions,
  type SavedBreakers,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { written } from "../../support/written.js";

/**
 * Behaviours that the suites of MicroProfile Fault Tolerance, cockatiel, opossum and
 * Resilience4j ask of a breaker, as scripts of one operation's calls:
 *
 * - `S` a call that succeeds, `F` one that fails, both by the method itself;
 * - `X` a call that the breaker turns away;
 * - `s` and `f` as `S` and `F`, but the call takes 200 ms;
 * - `+500` so many milliseconds pass;
 * - `=open` the state is this.
 */
type Script = string;

const down = new Error("down");

/** MicroProfile's `requestVolumeThreshold = 4, failureRatio = 0.75, delay = 1000`. */
const volume4: BreakerOptions = { failureRate: 0.75, window: 4, resetAfter: 1000 };
const consecutive2: BreakerOptions = { failureThreshold: 2, resetAfter: 1000 };
const sampling: BreakerOptions = { failureRate: 0.2, window: "1s", minimumCalls: 5, resetAfter: 1000 };

const behaviours: Array<[source: string, behaviour: string, options: BreakerOptions, script: Script]> = [
  ["MicroProfile FT", "opens when the window is full and the ratio reached", volume4, "F F F F =open X X X"],
  ["MicroProfile FT", "stays closed until the window is full", volume4, "F F F =closed"],
  [
    "MicroProfile FT",
    "opens after an initial success, where the ratio allows it",
    volume4,
    "S F F =closed F X",
  ],
  [
    "MicroProfile FT",
    "stays closed after initial successes that keep the ratio down",
    volume4,
    "S S F F =closed F X",
  ],
  ["MicroProfile FT", "rolls the window on", { ...volume4, failureRate: 0.5 }, "S F S S F X"],
  [
    "MicroProfile FT",
    "does not open on failures that have rolled out of the window",
    { ...volume4, failureRate: 0.5 },
    "F S S S F S S S F =closed F X",
  ],
  ["MicroProfile FT", "rejects until the delay has passed", volume4, "F F F F +999 X +1 =halfOpen"],
  [
    "MicroProfile FT",
    "closes after one success by default",
    volume4,
    "F F F F X +1000 S =closed F F F =closed",
  ],
  [
    "MicroProfile FT",
    "opens anew at a failed trial call",
    volume4,
    "F F F F X +1000 F =open X +999 X +1 S =closed",
  ],
  [
    "MicroProfile FT",
    "wants successThreshold trial calls to succeed",
    { ...volume4, halfOpenProbes: 2 },
    "F F F F X +1000 S =halfOpen S =closed",
  ],
  [
    "MicroProfile FT",
    "opens at once when a later trial call fails, whatever succeeded before",
    { ...volume4, halfOpenProbes: 3 },
    "F F F F X +1000 S S F =open X +1000 S S =halfOpen S =closed",
  ],
  ["MicroProfile FT", "fills the window anew after closing", volume4, "F F F F X +1000 S F F F =closed F X"],
  ["MicroProfile FT", "opens again and again", volume4, "F F F F X +1000 S F F F F X +1000 S =closed"],
  [
    "MicroProfile FT",
    "late success: a method that succeeds only after the circuit opened closes it",
    { ...volume4, halfOpenProbes: 2 },
    "F F F F X X +1000 S S S =closed",
  ],

  [
    "Polly, cockatiel",
    "samples several test calls before it closes",
    { ...consecutive2, halfOpenProbes: 3 },
    "F F +1000 S S =halfOpen S =closed",
  ],
  [
    "Polly, cockatiel",
    "opens anew where a later sample fails",
    { ...consecutive2, halfOpenProbes: 3 },
    "F F +1000 S S F =open X",
  ],
  ["cockatiel", "permits calls while it is closed", consecutive2, "S S S =closed"],
  [
    "cockatiel",
    "ConsecutiveBreaker: opens after failures in a row only",
    consecutive2,
    "F S F S F =closed F X",
  ],
  ["cockatiel", "re-opens when the half-open test fails", consecutive2, "F F X +1000 F =open X"],
  ["cockatiel", "closes when the half-open test succeeds", consecutive2, "F F X +1000 S =closed F =closed"],
  [
    "cockatiel",
    "half-opens again after every whole time",
    consecutive2,
    "F F +1000 F +1000 F +999 X +1 S =closed",
  ],
  ["cockatiel", "SamplingBreaker: does not open below its minimum of calls", sampling, "F F F F =closed"],
  ["cockatiel", "SamplingBreaker: opens at the threshold", sampling, "S S S S F =open X"],
  ["cockatiel", "SamplingBreaker: stays closed below the threshold", sampling, "S S S S S F =closed F X"],
  [
    "cockatiel",
    "SamplingBreaker: forgets what its duration has left behind",
    sampling,
    "S F S F +1100 S S S S =closed S S F =closed F X",
  ],
  [
    "cockatiel",
    "SamplingBreaker: resets when it recovers",
    sampling,
    "F F F F F X +1000 S F F F F =closed F X",
  ],
  [
    "cockatiel",
    "CountBreaker: opens within its size, at the threshold, from minimumNumberOfCalls on",
    { failureRate: 0.5, window: 6, minimumCalls: 3, resetAfter: 1000 },
    "F F =closed S X",
  ],
  [
    "cockatiel",
    "CountBreaker: lets old calls go",
    { failureRate: 0.6, window: 5, minimumCalls: 5, resetAfter: 1000 },
    "F F S S S S S F F =closed F X",
  ],

  ["opossum", "does not open at the first failure, as it does without a volume", {}, "F F =closed F X"],
  [
    "opossum",
    "volumeThreshold: opens only once there were enough calls",
    { failureRate: 0.01, window: "10s", minimumCalls: 3, resetAfter: 1000 },
    "F F =closed F X",
  ],
  [
    "opossum",
    "allowWarmUp: does not open while it warms up",
    { failureThreshold: 1, warmUp: 500, resetAfter: 1000 },
    "F F F +499 F =closed +1 F X",
  ],
  ["opossum", "allowWarmUp: off by default", { failureThreshold: 1 }, "F X"],
  [
    "opossum",
    "allowWarmUp: warms up for its time and no longer",
    { failureThreshold: 2, warmUp: 500, resetAfter: 1000 },
    "S +500 F =closed F =open X",
  ],
  [
    "opossum",
    "volumeThreshold: is no matter to a test call",
    { failureRate: 0.01, window: "300ms", minimumCalls: 2, resetAfter: 300 },
    "F =closed F =open +450 =halfOpen F =open",
  ],
  [
    "opossum",
    "opens anew for the whole time at a failed test call",
    consecutive2,
    "F F +1000 F =open +999 X +1 =halfOpen S =closed",
  ],
  [
    "opossum",
    "half-opens after resetTimeout and closes at a success",
    consecutive2,
    "F F X +1000 =halfOpen S S =closed",
  ],
  ["opossum", "a failure in the half-open state opens at once", consecutive2, "F F +1000 F X X"],
  [
    "opossum",
    "errorThresholdPercentage over rollingCountTimeout",
    { failureRate: 0.5, window: "10s", minimumCalls: 2, resetAfter: 1000 },
    "S S S F =closed +11000 S F X",
  ],

  [
    "Resilience4j",
    "slow calls open it",
    { slowCall: { duration: 100, rate: 0.5 }, window: 4, minimumCalls: 4, resetAfter: 1000 },
    "s S s =closed S X",
  ],
  [
    "Resilience4j",
    "calls that are slow and fail count as both",
    {
      failureThreshold: false,
      failureRate: 1,
      slowCall: { duration: 100, rate: 1 },
      window: 2,
      resetAfter: 1000,
    },
    "f f X +1000 s =open +1000 S =closed",
  ],
  [
    "Resilience4j",
    "minimumNumberOfCalls holds for either rate",
    { failureRate: 0.1, slowCall: { duration: 100, rate: 0.1 }, window: 10, minimumCalls: 4 },
    "f f f =closed S X",
  ],
  [
    "Resilience4j",
    "METRICS_ONLY: counts and rejects nothing",
    { ...consecutive2, mode: "shadow" },
    "F F =open S F S +1000 =halfOpen S =closed",
  ],
];

let kernel: Kernel;
let calls: number;
let source: () => unknown;

beforeEach(async () => {
  vi.useFakeTimers();
  kernel = await createTestKernel();
  calls = 0;
  source = () => "data";
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const after = (ms: number, then: () => unknown) => () =>
  new Promise((resolve, reject) => {
    setTimeout(() => {
      try {
        resolve(then());
      } catch (error) {
        reject(error as Error);
      }
    }, ms);
  });
const fail = (): never => {
  throw down;
};
const succeed = (): unknown => "data";
const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

function service(breaker: BreakerOptions): { call(): Promise<unknown> } {
  class Service {
    @degrade({ breaker })
    async call(): Promise<unknown> {
      calls += 1;
      return source();
    }
  }
  return kernel.adopt(new Service());
}

/** One step of a script: what is to happen, and what came of it, in the same words. */
async function perform(step: string, subject: { call(): Promise<unknown> }): Promise<string> {
  if (step.startsWith("+")) {
    await vi.advanceTimersByTimeAsync(Number(step.slice(1)));
    return step;
  }
  if (step.startsWith("=")) return `=${kernel.resolve(CircuitBreakers).list()[0]!.state}`;
  const then = step.toUpperCase() === "F" ? fail : succeed;
  const slow = step !== step.toUpperCase();
  source = slow ? after(200, then) : then;
  const before = calls;
  const outcome = outcomeOf(subject.call());
  if (slow) await vi.advanceTimersByTimeAsync(200);
  const came = await outcome;
  if (came instanceof CircuitOpenError) return calls === before ? "X" : "X, but the method ran";
  const letter = came === down ? "F" : came === "data" ? "S" : String(came);
  return slow ? letter.toLowerCase() : letter;
}

describe("the breaker of @degrade does what other suites ask", () => {
  it.each(behaviours)("%s: %s", async (_source, _behaviour, options, script) => {
    const subject = service(options);
    const came: string[] = [];
    for (const step of script.split(" ")) came.push(await perform(step, subject));
    expect(came.join(" ")).toBe(script);
  });
});

describe("the breaker of @degrade and concurrent calls", () => {
  const probing = async (options: BreakerOptions) => {
    const subject = service(options);
    for (const step of ["F", "F", "+1000"]) await perform(step, subject);
    calls = 0;
    source = after(200, succeed);
    return subject;
  };

  it("opossum, cockatiel: only one test call runs while it is half-open", async () => {
    const subject = await probing(consecutive2);
    const outcomes = [1, 2, 3].map(() => outcomeOf(subject.call()));
    await vi.advanceTimersByTimeAsync(200);
    expect(await Promise.all(outcomes)).toEqual([
      "data",
      expect.any(CircuitOpenError),
      expect.any(CircuitOpenError),
    ]);
    expect(calls).toBe(1);
  });

  it("Resilience4j: permittedNumberOfCallsInHalfOpenState run at once", async () => {
    const subject = await probing({ ...consecutive2, halfOpenProbes: 2 });
    const outcomes = [1, 2, 3].map(() => outcomeOf(subject.call()));
    await vi.advanceTimersByTimeAsync(200);
    expect(await Promise.all(outcomes)).toEqual(["data", "data", expect.any(CircuitOpenError)]);
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed" }]);
  });

  it("MicroProfile FT: results of calls from before it opened count for nothing afterwards", async () => {
    const subject = service(consecutive2);
    source = after(5000, succeed);
    const lateSuccess = outcomeOf(subject.call());
    source = after(5000, fail);
    const lateFailure = outcomeOf(subject.call());
    for (const step of ["F", "F", "+1000", "S", "F", "+4000"]) await perform(step, subject);
    expect([await lateSuccess, await lateFailure]).toEqual(["data", down]);
    // One failure since it closed: neither was it forgotten, nor was another added.
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed", failures: 1 }]);
  });
});

describe("the breaker of @degrade, against faults of opossum's own calls", () => {
  it("opossum: has no time limit of its own, where opossum's is 10 s", async () => {
    const subject = service({ failureThreshold: 1 });
    source = after(11_000, succeed);
    const outcome = outcomeOf(subject.call());
    await vi.advanceTimersByTimeAsync(11_000);
    expect(await outcome).toBe("data");
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed", failures: 0 }]);
  });

  it("opossum: hands on an `undefined`", async () => {
    source = () => undefined;
    expect(await service({}).call()).toBeUndefined();
  });

  it("opossum: counts whatever is thrown, also before there is a promise, and hands it on", async () => {
    const thrown: unknown = "a text";
    class Service {
      @degrade({ breaker: { failureThreshold: 2 } })
      call(): Promise<unknown> {
        throw thrown;
      }
    }
    const subject = kernel.adopt(new Service());
    expect([await outcomeOf(subject.call()), await outcomeOf(subject.call())]).toEqual(["a text", "a text"]);
    expect(await outcomeOf(subject.call())).toMatchObject({ code: "MLMCP_CIRCUIT_OPEN", cause: "a text" });
  });
});

describe("the breaker of @degrade and its callers", () => {
  const open = async (subject: { call(): Promise<unknown> }): Promise<void> => {
    for (const step of ["F", "F"]) await perform(step, subject);
  };

  it("cockatiel: the signal of a call is its caller's, also of a test call", async () => {
    const subject = service(consecutive2);
    await open(subject);
    await vi.advanceTimersByTimeAsync(1000);
    const caller = new AbortController();
    const seen: unknown[] = [];
    source = () => {
      const { signal } = currentOperation()!;
      seen.push(signal.aborted);
      caller.abort();
      seen.push(signal.aborted);
      return "data";
    };
    expect(await kernel.withContext({ signal: caller.signal }, () => subject.call())).toBe("data");
    expect(seen).toEqual([false, true]);
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed" }]);
  });

  it("cockatiel: a test call that its caller gives up says nothing; the next one tests", async () => {
    const subject = service(consecutive2);
    await open(subject);
    await vi.advanceTimersByTimeAsync(1000);
    const caller = new AbortController();
    source = () => {
      caller.abort();
      throw caller.signal.reason;
    };
    const given = kernel.withContext({ signal: caller.signal }, () => subject.call());
    expect(await outcomeOf(given)).toMatchObject({ name: "AbortError" });
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "halfOpen" }]);
    expect(await perform("S", subject)).toBe("S");
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed" }]);
  });

  it("cockatiel: isolation turns every call away until it is ended by hand", async () => {
    const subject = service(consecutive2);
    await perform("S", subject);
    const breakers = kernel.resolve(CircuitBreakers);
    const { operation } = breakers.list()[0]!;
    breakers.isolate(operation);
    for (const step of ["X", "+1000", "X", "=isolated"]) expect(await perform(step, subject)).toBe(step);
    breakers.close(operation);
    expect(await perform("S", subject)).toBe("S");
  });

  it("opossum: a breaker that is ended with its kernel refuses calls, and leaves no timer", async () => {
    const subject = service(consecutive2);
    await open(subject);
    expect(vi.getTimerCount()).toBe(1);
    await kernel.stop();
    expect(vi.getTimerCount()).toBe(0);
    expect(await perform("S", subject)).toMatch(/^KernelNotStartedError/);
    expect(calls).toBe(2);
  });

  it("opossum: a hundred breakers leave no listener behind", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const run = (name: number) => kernel.wrap(async () => "data", { name: `call${name}`, degrade: {} });
    for (let name = 0; name < 100; name++) await run(name)();
    expect(kernel.resolve(CircuitBreakers).list()).toHaveLength(100);
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });
});

describe("the state of a breaker, carried over a restart", () => {
  it.each<[behaviour: string, before: string, passes: number, after: string]>([
    ["closed stays closed", "S", 0, "F =closed F =open"],
    ["closed keeps what it has counted", "F", 0, "F =open"],
    ["open stays open for what is left of its time", "F F", 400, "X =open +599 X +1 =halfOpen S =closed"],
    ["open for longer than its time is half-open", "F F", 1250, "F =open X"],
    ["half-open admits a test call at once", "F F +1000 =halfOpen", 0, "F =open X"],
  ])("cockatiel, opossum: %s", async (_, before, passes, script) => {
    const first = service(consecutive2);
    for (const step of before.split(" ")) await perform(step, first);
    const saved = JSON.parse(JSON.stringify(kernel.resolve(CircuitBreakers).save())) as SavedBreakers;
    await kernel.stop();
    await vi.advanceTimersByTimeAsync(passes);
    kernel = await createTestKernel();
    const second = service(consecutive2);
    kernel.resolve(CircuitBreakers).restore(saved);
    const came: string[] = [];
    for (const step of script.split(" ")) came.push(await perform(step, second));
    expect(came.join(" ")).toBe(script);
  });
});

describe("the breaker of @degrade and retries", () => {
  /** The outcome of one call, all of its retries included. */
  const call = async (maxRetries: number, breaker: BreakerOptions): Promise<unknown> => {
    class Service {
      @retry({ maxRetries, initialDelay: 10, jitter: "none" })
      @degrade({ breaker })
      async call(): Promise<unknown> {
        calls += 1;
        throw down;
      }
    }
    const outcome = outcomeOf(kernel.adopt(new Service()).call());
    await vi.advanceTimersByTimeAsync(500);
    return outcome;
  };

  it("MicroProfile FT: more retries than failures it takes to open end with the rejection", async () => {
    expect(await call(7, volume4)).toBeInstanceOf(CircuitOpenError);
    expect(calls).toBe(4);
  });

  it("MicroProfile FT: fewer end with the method's own error", async () => {
    expect(await call(2, volume4)).toBe(down);
    expect(calls).toBe(3);
  });

  it("MicroProfile FT: retries succeed once the circuit has closed", async () => {
    class Service {
      @retry({ maxRetries: 9, backoff: "constant", initialDelay: 200, jitter: "none", retryIf: () => true })
      @degrade({ breaker: { failureThreshold: 2, resetAfter: 1000 } })
      async call(): Promise<unknown> {
        calls += 1;
        if (calls <= 2) throw down;
        return "data";
      }
    }
    const outcome = outcomeOf(kernel.adopt(new Service()).call());
    await vi.advanceTimersByTimeAsync(2000);
    expect(await outcome).toBe("data");
    expect(calls).toBe(3);
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed" }]);
  });

  it.each<[string, RetryOptions]>([
    ["retryOn does not name the error", { retryIf: RangeError }],
    ["abortOn names the rejection", { retryIf: () => true, abortIf: CircuitOpenError }],
  ])("MicroProfile FT: no retry of an open circuit where %s", async (_, options) => {
    class Service {
      @retry({ maxRetries: 9, initialDelay: 10, jitter: "none", ...options })
      @degrade({ breaker: { failureThreshold: 1 } })
      async call(): Promise<unknown> {
        calls += 1;
        throw new RangeError("down");
      }
    }
    const outcome = outcomeOf(kernel.adopt(new Service()).call());
    await vi.advanceTimersByTimeAsync(5000);
    expect(await outcome).toBeInstanceOf(CircuitOpenError);
    expect(calls).toBe(1);
  });

  it("MicroProfile FT: every attempt counts, also of different calls", async () => {
    expect(await call(1, volume4)).toBe(down);
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed", window: { calls: 2 } }]);
  });
});

describe("which errors count", () => {
  class E0 extends Error {}
  class E1 extends E0 {}
  class Other extends Error {}

  it.each<
    [source: string, behaviour: string, when: BreakerOptions["when"], thrown: unknown, counts: boolean]
  >([
    ["MicroProfile FT", "failOn its class", E0, new E0(), true],
    ["MicroProfile FT", "failOn a superclass", E0, new E1(), true],
    ["MicroProfile FT", "not failOn a subclass", E1, new E0(), false],
    ["MicroProfile FT", "not failOn another class", E0, new Other(), false],
    ["MicroProfile FT", "failOn one of several", [Other, E1], new E1(), true],
    [
      "MicroProfile FT",
      "skipOn, as a predicate",
      (error: unknown) => !(error instanceof E1),
      new E1(),
      false,
    ],
    ["opossum", "errorFilter", (error: { status: number }) => error.status >= 500, { status: 404 }, false],
    [
      "opossum",
      "errorFilter lets others count",
      (error: { status: number }) => error.status >= 500,
      { status: 503 },
      true,
    ],
    ["cockatiel", "handleType with its predicate", [TypeError], new TypeError("no"), true],
    [
      "cockatiel",
      "orWhen a code",
      "ECONNREFUSED",
      Object.assign(new Error("no"), { code: "ECONNREFUSED" }),
      true,
    ],
  ])("%s: %s", async (_source, _behaviour, when, thrown, counts) => {
    const subject = service({ ...consecutive2, when: when! });
    source = () => {
      throw thrown;
    };
    for (let i = 0; i < 2; i++) expect(await outcomeOf(subject.call())).toBe(thrown);
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: counts ? "open" : "closed" }]);
  });
});

describe("MicroProfile FT: the state of a breaker", () => {
  const breaker = { failureThreshold: 2 } as const;

  class Base {
    constructor(readonly error: Error | undefined = undefined) {}
    @degrade({ breaker })
    async one(): Promise<string> {
      return this.answer();
    }
    @degrade({ breaker })
    async two(): Promise<string> {
      return this.answer();
    }
    protected async answer(): Promise<string> {
      if (this.error) throw this.error;
      return "data";
    }
  }
  class Overriding extends Base {
    @degrade({ breaker })
    override async one(): Promise<string> {
      return this.answer();
    }
  }
  class Inheriting extends Base {}

  const states = () =>
    Object.fromEntries(
      kernel
        .resolve(CircuitBreakers)
        .list()
        .map(({ operation, state }) => [operation, state]),
    );

  it("belongs to one method", async () => {
    const broken = kernel.adopt(new Base(down));
    for (let i = 0; i < 2; i++) await outcomeOf(broken.one());
    await outcomeOf(broken.two());
    expect(states()).toEqual({ "Base.one": "open", "Base.two": "closed" });
  });

  it("is the same for all instances, each of which is called on its own", async () => {
    const broken = kernel.adopt(new Base(down));
    const sound = kernel.adopt(new Base());
    expect(await sound.one()).toBe("data");
    for (let i = 0; i < 2; i++) expect(await outcomeOf(broken.one())).toBe(down);
    expect(await outcomeOf(sound.one())).toBeInstanceOf(CircuitOpenError);
  });

  it("is a subclass's own where that overrides and decorates the method, and shared where it inherits", async () => {
    const overriding = kernel.adopt(new Overriding(down));
    for (let i = 0; i < 2; i++) await outcomeOf(overriding.one());
    expect(await kernel.adopt(new Base()).one()).toBe("data");
    const inheriting = kernel.adopt(new Inheriting(down));
    for (let i = 0; i < 2; i++) await outcomeOf(inheriting.two());
    expect(await outcomeOf(kernel.adopt(new Base()).two())).toBeInstanceOf(CircuitOpenError);
    expect(states()).toEqual({ "Overriding.one": "open", "Base.one": "closed", "Base.two": "open" });
  });
});

describe("MicroProfile FT: disabling by configuration", () => {
  it.each<[string, unknown]>([
    ["the decorator", false],
    ["the breaker alone", { breaker: false }],
  ])("of %s lets every call reach the method", async (_, setting) => {
    await using disabled = await createTestKernel({
      config: { operations: { "Service.call": { degrade: setting as object } } },
    });
    const subject = disabled.adopt(service({ failureThreshold: 1 }));
    source = fail;
    for (let i = 0; i < 5; i++) expect(await outcomeOf(subject.call())).toBe(down);
    expect(disabled.resolve(CircuitBreakers).list()).toEqual([]);
  });

  it("and by globs, of all operations but one", async () => {
    const config = { operations: { "*": { degrade: false }, "Service.call": { degrade: true } } };
    await using tuned = await createTestKernel({ config });
    const subject = tuned.adopt(service({ failureThreshold: 1 }));
    source = fail;
    await outcomeOf(subject.call());
    expect(await outcomeOf(subject.call())).toBeInstanceOf(CircuitOpenError);
  });

  it("changes each option", async () => {
    const config: KernelConfig = {
      operations: { "Service.call": { degrade: { breaker: { failureThreshold: 1, resetAfter: "2s" } } } },
    };
    await using tuned = await createTestKernel({ config });
    const subject = tuned.adopt(service({ failureThreshold: 5 }));
    source = fail;
    await outcomeOf(subject.call());
    expect(tuned.resolve(CircuitBreakers).list()).toMatchObject([{ state: "open", retryAfterMs: 2000 }]);
  });
});

describe("MicroProfile FT: invalid parameters", () => {
  const at = (breaker: unknown, rest = {}) => ({ breaker, ...rest }) as { breaker: BreakerOptions };

  it.each<[string, { breaker: BreakerOptions }, RegExp]>([
    ["a threshold of 0", at({ failureThreshold: 0 }), /failureThreshold: must be at least 1/],
    ["a threshold that is no whole number", at({ failureThreshold: 1.5 }), /failureThreshold: expected/],
    ["a rate of 0", at({ failureRate: 0 }), /failureRate: must be more than 0/],
    ["a rate in percent", at({ failureRate: 50 }), /failureRate: must be at most 1/],
    ["a window of no calls", at({ window: 0 }), /window: must be at least 1/],
    ["a window of a text without a unit", at({ window: "30" }), /window/],
    ["a minimum of 0 calls", at({ minimumCalls: 0 }), /minimumCalls: must be at least 1/],
    ["a delay of 0", at({ resetAfter: 0 }), /resetAfter: must be at least 1/],
    ["a delay in no known unit", at({ resetAfter: "2 moons" }), /resetAfter: expected a duration/],
    ["a delay that no timer can wait for", at({ resetAfter: "30d" }), /resetAfter: must be at most/],
    ["no probes", at({ halfOpenProbes: 0 }), /halfOpenProbes: must be at least 1/],
    ["slow calls of no duration", at({ slowCall: { rate: 0.5 } }), /slowCall.duration: is required/],
    ["a slow rate above 1", at({ slowCall: { duration: 1, rate: 2 } }), /slowCall.rate: must be at most 1/],
    ["an unknown mode", at({ mode: "shadwo" }), /Did you mean "shadow"/],
    ["no room for keys", at({ maxKeys: 0 }), /maxKeys: must be at least 1/],
    ["a key that is no function", at({ key: "tenant" }), /key: expected a function/],
    ["an empty shared name", at({ sharedAs: "" }), /sharedAs/],
    ["an option that it does not know", at({ failureTreshold: 3 }), /Did you mean "failureThreshold"/],
    ["a condition that is none", at({}, { when: {} }), /when: expected/],
  ])("refuses %s where it is written", (_, options, message) => {
    expect(() => written(degrade(options))).toThrow(message);
  });

  it.each<[string, BreakerOptions, RegExp]>([
    [
      "a minimum that the window never holds",
      { failureRate: 0.5, window: 5, minimumCalls: 6 },
      /never holds 6/,
    ],
    ["a window of less than 10 ms", { failureRate: 0.5, window: "9ms" }, /must be at least 10 ms/],
  ])("refuses %s at the first call, before the method runs", async (_, options, message) => {
    const subject = service(options);
    expect(String(await outcomeOf(subject.call()))).toMatch(message);
    expect(calls).toBe(0);
  });
});
