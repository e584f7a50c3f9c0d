import {
  bulkhead,
  BulkheadFullError,
  Bulkheads,
  CircuitBreakers,
  currentOperation,
  degrade,
  onEvent,
  retry,
  type BulkheadOptions,
  type Kernel,
  type RetryOptions,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { written } from "../../support/written.js";

/**
 * What other suites ask of a bulkhead, as scripts of the calls of one operation.
 *
 * What is done: `a` a call of this name is made; `-a` it ends; `~a` it fails; `xa` its caller gives
 * it up; `+100` so many milliseconds pass.
 *
 * What comes of it: `a` it begins at once, `a?` it waits, `a!` it is refused; later `>a` it begins,
 * `>a2` its second attempt does, `?` and `!` one waits or is refused.
 */
type Script = string;

const down = new Error("down");

let kernel: Kernel;

beforeEach(async () => {
  vi.useFakeTimers();
  kernel = await createTestKernel();
});
afterEach(async () => {
  await kernel.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Calls of one method by name: each runs until it is ended. */
class Runs {
  /** What has happened since it was last looked at, in the words of a script. */
  happened: string[] = [];
  readonly #ends = new Map<string, (end: () => unknown) => void>();

  async stay(name: string): Promise<unknown> {
    this.happened.push(`>${name}`);
    const end = await new Promise<() => unknown>((resolve) => this.#ends.set(name, resolve));
    return end();
  }

  end(name: string, end: () => unknown = () => name): void {
    this.#ends.get(name)!(end);
  }
}

/** A method with a bulkhead, and the retries that are asked for. */
function subjectOf(options: BulkheadOptions, retried?: RetryOptions) {
  class Source extends Runs {
    @retry({ maxRetries: 0, jitter: "none", ...retried })
    @bulkhead(options)
    async enter(name: string): Promise<unknown> {
      const { attempt } = currentOperation()!;
      return this.stay(attempt === 1 ? name : `${name}${attempt}`);
    }
  }
  const subject = kernel.adopt(new Source());
  onTestFinished(onEvent("bulkhead:wait", () => subject.happened.push("?")));
  onTestFinished(onEvent("bulkhead:reject", () => subject.happened.push("!")));
  return subject;
}

const behaviours: Array<
  [source: string, behaviour: string, options: BulkheadOptions, script: Script, retried?: RetryOptions]
> = [
  ["MicroProfile FT", "as many as its value run at once", { maxConcurrent: 3 }, "a b c d! -a e -b -c -e"],
  [
    "MicroProfile FT",
    "10 run at once by default",
    {},
    "a b c d e f g h i j k! -a -b -c -d -e -f -g -h -i -j",
  ],
  [
    "MicroProfile FT",
    "waitingTaskQueue: as many wait",
    { maxConcurrent: 2, queue: 2 },
    "a b c? d? e! -a >c -b >d -c -d",
  ],
  ["MicroProfile FT", "a place is given back by a failure", { maxConcurrent: 1 }, "a b! ~a c -c"],
  [
    "MicroProfile FT",
    "a call that is given up while it waits never runs",
    { maxConcurrent: 1, queue: 1 },
    "a b? xb c? -a >c -c",
  ],
  [
    "MicroProfile FT",
    "a call that is given up while it runs keeps its place until it ends",
    { maxConcurrent: 1, queue: 1 },
    "a b? xa c! -a >b -b",
  ],
  [
    "MicroProfile FT",
    "bulkhead×retry: a refused call is retried, where asked",
    { maxConcurrent: 1 },
    "a b! +100 ! -a +100 >b3 -b3",
    { maxRetries: 2, backoff: "constant", initialDelay: 100, retryIf: BulkheadFullError },
  ],
  [
    "MicroProfile FT",
    "bulkhead×retry: a bulkhead that stays full ends with its refusal",
    { maxConcurrent: 1 },
    "a b! +100 ! +100 ! +100 -a",
    { maxRetries: 2, backoff: "constant", initialDelay: 100, retryIf: BulkheadFullError },
  ],
  [
    "MicroProfile FT",
    "bulkhead×retry: a refused call is not retried without retryOn",
    { maxConcurrent: 1 },
    "a b! -a +500",
    { maxRetries: 5, initialDelay: 10, retryIf: RangeError },
  ],
  [
    "MicroProfile FT",
    "bulkhead×retry: a refused call is not retried with abortOn",
    { maxConcurrent: 1 },
    "a b! -a +500",
    { maxRetries: 5, initialDelay: 10, retryIf: () => true, abortIf: BulkheadFullError },
  ],
  [
    "MicroProfile FT",
    "bulkhead×retry: a refused call is not retried with maxRetries of 0",
    { maxConcurrent: 1 },
    "a b! -a +500",
    { maxRetries: 0, retryIf: BulkheadFullError },
  ],
  [
    "MicroProfile FT",
    "bulkhead×retry: no place is held during the delay",
    { maxConcurrent: 1, queue: 1 },
    "a b? ~a >b +50 -b +50 >a2 -a2",
    { maxRetries: 1, backoff: "constant", initialDelay: 100 },
  ],
  [
    "MicroProfile FT",
    "bulkhead×retry: a retry waits behind those that waited before",
    { maxConcurrent: 1, queue: 2 },
    "a b? c? ~a >b ? -b >c -c >a2 -a2",
    { maxRetries: 1, initialDelay: 0 },
  ],
  ["cockatiel", "rejects calls beyond its limit", { maxConcurrent: 2 }, "a b c! -a -b d -d"],
  [
    "cockatiel",
    "queues calls, first come first served",
    { maxConcurrent: 2, queue: 2 },
    "a b c? d? e! -b >c -a >d -d -c",
  ],
  [
    "cockatiel",
    "goes on with the next in the queue when one was aborted",
    { maxConcurrent: 1, queue: 2 },
    "a b? c? xb -a >c -c",
  ],
  ["opossum", "rejects beyond its capacity", { maxConcurrent: 1 }, "a b! -a c -c"],
  [
    "opossum",
    "a semaphore gives a free place to who waits",
    { maxConcurrent: 1, queue: 1 },
    "a b? +500 -a >b -b",
  ],
  [
    "opossum",
    "a semaphore can time out waiting",
    { maxConcurrent: 1, queue: 1, queueTimeout: 100 },
    "a b? +99 +1 ! c? -a >c -c",
  ],
];

/** Does what a script says, and gives what was done and what came of it as a script. */
async function play(subject: ReturnType<typeof subjectOf>, script: Script): Promise<Script> {
  const callers = new Map<string, AbortController>();
  const call = (name: string): void => {
    const caller = new AbortController();
    callers.set(name, caller);
    kernel.withContext({ signal: caller.signal }, () => subject.enter(name)).catch(() => undefined);
  };
  const played: string[] = [];
  for (const step of script.split(" ")) {
    const [, act = "", name = ""] = /^([-~x+>!?]?)(\w*)/.exec(step)!;
    // What came of the steps before.
    if (">!?".includes(act) && act !== "") continue;
    subject.happened = [];
    if (act === "-") subject.end(name);
    else if (act === "~") subject.end(name, () => Promise.reject(down));
    else if (act === "x") callers.get(name)!.abort();
    else if (act === "") call(name);
    await vi.advanceTimersByTimeAsync(act === "+" ? Number(name) : 0);
    const [first, ...others] = subject.happened;
    if (act !== "") played.push(act + name, ...subject.happened);
    else played.push(first === `>${name}` ? name : name + first, ...others);
  }
  return played.join(" ");
}

describe("@bulkhead does what other suites ask", () => {
  it.each(behaviours)("%s: %s", async (_source, _behaviour, options, script, retried) => {
    const subject = subjectOf(options, retried);
    expect(await play(subject, script)).toBe(script);
    await vi.runAllTimersAsync();
    expect(kernel.resolve(Bulkheads).list()).toMatchObject([{ running: 0, waiting: 0 }]);
  });

  it("cockatiel, opossum: says how many run and wait", async () => {
    const subject = subjectOf({ maxConcurrent: 2, queue: 2 });
    await play(subject, "a b c?");
    expect(kernel.resolve(Bulkheads).list()).toMatchObject([{ running: 2, waiting: 1 }]);
    await play(subject, "-a >c");
    expect(kernel.resolve(Bulkheads).list()).toMatchObject([{ running: 2, waiting: 0 }]);
    await play(subject, "-b -c");
    expect(kernel.resolve(Bulkheads).list()).toMatchObject([{ running: 0, waiting: 0 }]);
  });

  it.each([
    [1, 0],
    [3, 2],
    [10, 10],
  ])("MicroProfile FT: under pressure never more than %i run and %i wait", async (maxConcurrent, queue) => {
    let [running, most, refused] = [0, 0, 0];
    class Source {
      @bulkhead({ maxConcurrent, queue })
      async work(): Promise<void> {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 10));
        running -= 1;
      }
    }
    const subject = kernel.adopt(new Source());
    const calls = Array.from({ length: 100 }, () => subject.work().catch(() => (refused += 1)));
    await vi.runAllTimersAsync();
    await Promise.all(calls);
    expect([most, refused]).toEqual([maxConcurrent, 100 - maxConcurrent - queue]);
  });
});

describe("breaker × bulkhead", () => {
  it("MicroProfile FT: refusals that the breaker is not to count leave it closed", async () => {
    class Source extends Runs {
      @degrade({ breaker: { failureThreshold: 3 } })
      @bulkhead({ maxConcurrent: 1, queue: 1 })
      async enter(name: string): Promise<unknown> {
        return this.stay(name);
      }
    }
    const subject = kernel.adopt(new Source());
    const [first, second] = [subject.enter("a"), subject.enter("b")];
    for (let i = 0; i < 5; i++) await expect(subject.enter("c")).rejects.toBeInstanceOf(BulkheadFullError);
    expect(kernel.resolve(CircuitBreakers).list()).toMatchObject([{ state: "closed" }]);
    subject.end("a");
    await vi.advanceTimersByTimeAsync(0);
    subject.end("b");
    expect([await first, await second]).toEqual(["a", "b"]);
  });
});

describe("MicroProfile FT: the places of a bulkhead", () => {
  class Base extends Runs {
    @bulkhead(1)
    async one(name: string): Promise<unknown> {
      return this.stay(name);
    }
    @bulkhead(1)
    async two(name: string): Promise<unknown> {
      return this.stay(name);
    }
  }
  class Overriding extends Base {
    @bulkhead(1)
    override async one(name: string): Promise<unknown> {
      return this.stay(name);
    }
  }
  class Other extends Runs {
    @bulkhead(1)
    async one(name: string): Promise<unknown> {
      return this.stay(name);
    }
  }
  @bulkhead(1)
  class Whole extends Runs {
    async one(name: string): Promise<unknown> {
      return this.stay(name);
    }
    async two(name: string): Promise<unknown> {
      return this.stay(name);
    }
  }
  afterAll(() => void [Base, Overriding, Other, Whole]);

  it.each<[string, () => Array<[Runs, () => Promise<unknown>]>]>([
    [
      "two methods of one class",
      () => {
        const subject = kernel.adopt(new Base());
        return [
          [subject, () => subject.one("a")],
          [subject, () => subject.two("b")],
        ];
      },
    ],
    [
      "two methods of a class that is decorated",
      () => {
        const subject = kernel.adopt(new Whole());
        return [
          [subject, () => subject.one("a")],
          [subject, () => subject.two("b")],
        ];
      },
    ],
    [
      "two classes",
      () => {
        const [base, other] = [kernel.adopt(new Base()), kernel.adopt(new Other())];
        return [
          [base, () => base.one("a")],
          [other, () => other.one("b")],
        ];
      },
    ],
    [
      "a class and one that overrides and decorates its method",
      () => {
        const [base, overriding] = [kernel.adopt(new Base()), kernel.adopt(new Overriding())];
        return [
          [base, () => base.one("a")],
          [overriding, () => overriding.one("b")],
        ];
      },
    ],
  ])("are not shared by %s", async (_, make) => {
    const [[first, callFirst], [second, callSecond]] = make() as [
      [Runs, () => Promise<unknown>],
      [Runs, () => Promise<unknown>],
    ];
    const calls = [callFirst(), callSecond()];
    await vi.advanceTimersByTimeAsync(0);
    first.end("a");
    second.end("b");
    expect(await Promise.all(calls)).toEqual(["a", "b"]);
  });

  it("are shared by all instances of one class", async () => {
    const [one, another] = [kernel.adopt(new Base()), kernel.adopt(new Base())];
    const call = one.one("a");
    await expect(another.one("b")).rejects.toBeInstanceOf(BulkheadFullError);
    one.end("a");
    await call;
  });
});

it.each<[string, unknown]>([
  ["a value of 0", 0],
  ["a negative value", -1],
  ["a negative queue", { queue: -1 }],
  ["a queue that is no whole number", { queue: 0.5 }],
])("MicroProfile FT: invalid parameters: %s", (_, options) => {
  expect(() => written(bulkhead(options as number))).toThrow(
    expect.objectContaining({ name: "ConfigurationError" }),
  );
});
