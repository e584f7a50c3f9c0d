import { threadId } from "node:worker_threads";
import { OperationTimeoutError, retry, ValidationError } from "@mlmcp/core";
import { runDecoratorContract } from "@mlmcp/core/testing";
import { isWorker, parallel, ParallelProcessor, parallelPlugin } from "@mlmcp/plugin-parallel";
import { describe, expect, it } from "vitest";
import { DoubleWork, Multiplier, Unbuildable, Work } from "../fixtures/work.js";
import { rejectionOf, tasksOf, useKernels } from "../support/kernels.js";

const harness = useKernels("work");

describe("@parallel in mode call", () => {
  it("runs the method in a worker thread, and says so there", async () => {
    const kernel = await harness.start();
    const work = kernel.resolve(Work);
    expect(await work.triple(14)).toBe(42);
    const place = await work.place();
    expect(place.isWorker).toBe(true);
    expect(place.threadId).not.toBe(threadId);
    expect(isWorker()).toBe(false);
  });

  it("constructs `this` in the worker, once, with what its class injects", async () => {
    const kernel = await harness.start({ parallel: { workers: 1 } });
    const work = kernel.resolve(Work);
    work.label = "changed here";
    expect(await work.place()).toMatchObject({ calls: 1, label: "as constructed" });
    expect(await work.place()).toMatchObject({ calls: 2 });
    await work.triple(1);
    expect(kernel.resolve(Multiplier).times).toBe(0);
  });

  it("runs decorated methods that the method calls in the worker: with their advice, @parallel in place", async () => {
    const kernel = await harness.start();
    const { attempts, threads } = await kernel.resolve(Work).nested();
    expect(attempts).toBe(3);
    expect(threads[0]).toBe(threads[1]);
  });

  it("constructs the subclass that the method was called on", async () => {
    const kernel = await harness.start();
    const [base, derived] = [kernel.resolve(Work), kernel.resolve(DoubleWork)];
    expect(await base.place()).toMatchObject({ label: "as constructed" });
    expect(await derived.place()).toMatchObject({ label: "of the subclass" });
  });

  it("runs static methods with the class as `this`", async () => {
    await harness.start();
    expect(await Work.origin()).toEqual({ isWorker: true, name: "Work" });
  });

  it("runs in place where `when` is false", async () => {
    const kernel = await harness.start();
    const work = kernel.resolve(Work);
    expect(await work.sometimes(10)).toEqual({ size: 10, threadId });
    expect((await work.sometimes(11)).threadId).not.toBe(threadId);
  });

  it("passes through under performance.enableParallel: false", async () => {
    const kernel = await harness.start({ config: { performance: { enableParallel: false } } });
    const work = kernel.resolve(Work);
    work.label = "changed here";
    expect(await work.place()).toMatchObject({ isWorker: false, label: "changed here" });
  });

  it("copies what structured cloning can copy, both ways", async () => {
    const kernel = await harness.start();
    const value = {
      date: new Date(0),
      map: new Map([["a", new Set([1n])]]),
      floats: Float64Array.of(1.5, Number.NaN),
      nothing: undefined,
      minusZero: -0,
    };
    const back = await kernel.resolve(Work).echo(value);
    expect(back).toEqual(value);
    expect(value.floats.byteLength).toBe(16);
  });

  it("runs no more tasks of a method at once than its `workers`", async () => {
    const kernel = await harness.start({ parallel: { workers: 3 } });
    const work = kernel.resolve(Work);
    const spans = await Promise.all([work.one(20), work.one(20), work.one(20)]);
    const ordered = spans.toSorted(([a], [b]) => a - b);
    expect(ordered[1]![0]).toBeGreaterThanOrEqual(ordered[0]![1]);
    expect(ordered[2]![0]).toBeGreaterThanOrEqual(ordered[1]![1]);
  });

  it("lets methods take turns, in order within each", async () => {
    const kernel = await harness.start({ parallel: { workers: 1 } });
    const work = kernel.resolve(Work);
    const tasks = await tasksOf(() =>
      Promise.all([
        work.triple(1),
        work.triple(2),
        work.triple(3),
        work.place(),
        work.echo(0),
        work.triple(4),
      ]),
    );
    expect(tasks.map(({ operation }) => operation)).toEqual([
      "Work.triple",
      "Work.triple",
      "Work.place",
      "Work.echo",
      "Work.triple",
      "Work.triple",
    ]);
  });

  it("answers each of 1000 concurrent calls with its own result, on every worker", async () => {
    const kernel = await harness.start();
    const work = kernel.resolve(Work);
    const results = await Promise.all(Array.from({ length: 1000 }, (_, index) => work.triple(index)));
    expect(results).toEqual(Array.from({ length: 1000 }, (_, index) => index * 3));
    const { workers, completed, queued, running, lost } = kernel.resolve(ParallelProcessor).stats();
    expect({ completed, queued, running, lost }).toEqual({ completed: 1000, queued: 0, running: 0, lost: 0 });
    expect(workers).toHaveLength(2);
    expect(workers.every(({ tasks, busy }) => tasks > 0 && !busy)).toBe(true);
  });
});

describe("@parallel in mode map", () => {
  it("splits the first argument, hands on the others, and joins the results in order", async () => {
    const kernel = await harness.start();
    const values = Array.from({ length: 1003 }, (_, index) => index);
    const tasks = await tasksOf(async () => {
      expect(await kernel.resolve(Work).squares(values, 1)).toEqual(values.map((value) => value * value + 1));
    });
    expect(tasks).toHaveLength(101);
  });

  it("answers an empty array with one, without a task", async () => {
    const kernel = await harness.start();
    expect(await kernel.resolve(Work).squares([])).toEqual([]);
    expect(kernel.resolve(ParallelProcessor).stats().completed).toBe(0);
  });

  it("refuses what is no array", async () => {
    const kernel = await harness.start();
    const error = await rejectionOf(kernel.resolve(Work).squares("text" as never));
    expect(error.code).toBe("MLMCP_PARALLEL_MAP");
    expect(error.message).toBe(
      "Work.squares: in map mode the first argument must be an array; received string.",
    );
  });

  it("refuses a result that is not one for each item", async () => {
    const kernel = await harness.start();
    const error = await rejectionOf(kernel.resolve(Work).lost([1, 2, 3]));
    expect(error.code).toBe("MLMCP_PARALLEL_MAP");
    expect(error.message).toContain("for 3 items it returned an array of 1");
  });
});

describe("errors of the method", () => {
  it("keep name, message, stack, cause and fields", async () => {
    const kernel = await harness.start();
    const error = await rejectionOf(kernel.resolve(Work).fail("payment"));
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "PaymentError",
      message: "card refused",
      status: 402,
      details: { card: "1234", at: new Date(0) },
    });
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(error.stack).toContain("work.mjs");
  });

  it("of the framework come back in their own class", async () => {
    const kernel = await harness.start();
    const work = kernel.resolve(Work);
    const validation = await rejectionOf(work.fail("mlmcp"));
    expect(validation).toBeInstanceOf(ValidationError);
    expect(validation).toMatchObject({
      code: "MLMCP_VALIDATION",
      retryable: false,
      context: { operation: "x", rows: [1, 2] },
      suggestions: ["mend them"],
    });
    const timeout = await rejectionOf(work.fail("timeout"));
    expect(timeout).toBeInstanceOf(OperationTimeoutError);
    expect(timeout.cause).toBeInstanceOf(TypeError);
  });

  it("may be several, or no error at all", async () => {
    const kernel = await harness.start();
    const work = kernel.resolve(Work);
    await expect(work.fail("text")).rejects.toBe("only text");
    const { errors } = (await rejectionOf(work.fail("aggregate"))) as unknown as AggregateError;
    expect(errors).toMatchObject([
      { name: "PaymentError", status: 402 },
      { name: "MlmcpLike", code: "MLMCP_LIKE" },
    ]);
  });

  it("keep what can be cloned of them, and show the rest as text", async () => {
    const kernel = await harness.start();
    expect(await rejectionOf(kernel.resolve(Work).fail("unclonable"))).toMatchObject({
      message: "with a function",
      rows: [1],
      retry: "[Function: retry]",
    });
  });
});

describe("what cannot be cloned", () => {
  it("is named by argument and path, and the worker goes on", async () => {
    const kernel = await harness.start();
    const work = kernel.resolve(Work);
    const error = await rejectionOf(work.echo({ rows: [{ id: 1 }, { id: 2, onDone: () => 1 }] }));
    expect(error.code).toBe("MLMCP_PARALLEL_CLONE");
    expect(error.message).toBe(
      'Work.echo: argument 1 cannot be sent to a worker: ".rows[1].onDone" in it is the function onDone.',
    );
    expect(await work.triple(1)).toBe(3);
    expect(kernel.resolve(ParallelProcessor).stats()).toMatchObject({ lost: 0 });
  });

  it("is named in a result too", async () => {
    const kernel = await harness.start();
    const work = kernel.resolve(Work);
    const error = await rejectionOf(work.unclonable());
    expect(error.code).toBe("MLMCP_PARALLEL_CLONE");
    expect(error.message).toContain(
      '".model.predict" in it is the function predict. The method has already run.',
    );
    expect(await work.triple(1)).toBe(3);
    expect(kernel.resolve(ParallelProcessor).stats()).toMatchObject({ lost: 0 });
  });
});

describe("classes that a worker cannot find", () => {
  it("are refused where they are made inside a function", async () => {
    const makeClass = () => {
      class Hidden {
        @parallel()
        async run(): Promise<number> {
          return 1;
        }
      }
      return Hidden;
    };
    const Hidden = makeClass();
    const kernel = await harness.start();
    const error = await rejectionOf(kernel.adopt(new Hidden()).run());
    expect(error.code).toBe("MLMCP_PARALLEL_NOT_FOUND");
    expect(error.message).toContain(
      "A class that is made inside a function is made only where that function is called.",
    );
  });

  it("are refused where a worker does not know what to inject", async () => {
    const kernel = await harness.start();
    const error = await rejectionOf(kernel.adopt(new Unbuildable(new Multiplier())).run());
    expect(error.code).toBe("MLMCP_PARALLEL_CONSTRUCT");
    expect(error.message).toContain("Unbuildable.run: a worker cannot construct Unbuildable: ");
    expect((error.suggestions as string[])[0]).toContain("@service([FirstClass, SecondClass])");
  });

  it("are refused where their module cannot be imported", async () => {
    const kernel = await harness.start({
      config: { operations: { "*": { parallel: { module: harness.compiled.url("nowhere") } } } },
    });
    const error = await rejectionOf(kernel.resolve(Work).triple(1));
    expect(error.code).toBe("MLMCP_PARALLEL_MODULE");
    expect(error.message).toMatch(
      /^Work\.triple: a worker cannot import file:.*nowhere\.mjs: Cannot find module/,
    );
  });

  it("are refused where their module is TypeScript, with what to do", async () => {
    const kernel = await harness.start({ config: { operations: {} } });
    const error = await rejectionOf(kernel.resolve(Work).triple(1));
    expect(error.code).toBe("MLMCP_PARALLEL_MODULE");
    expect(error.suggestions).toContain('In tests set `parallel: { runtime: "inline" }`.');
  });

  it("are refused where the configuration names no file", async () => {
    const kernel = await harness.start({
      config: { operations: { "*": { parallel: { module: "https://example.org/x.js" } } } },
    });
    const error = await rejectionOf(kernel.resolve(Work).triple(1));
    expect(error.code).toBe("MLMCP_PARALLEL_MODULE");
    expect(error.message).toContain("is not a file");
  });
});

describe("together with other advice", () => {
  class Flaky {
    calls = 0;

    @retry({ maxRetries: 3, initialDelay: 0 })
    @parallel()
    async run(failures: number): Promise<number> {
      this.calls += 1;
      if (this.calls <= failures) throw new Error(`call ${this.calls}`);
      return this.calls;
    }
  }

  it("is one attempt of @retry each time", async () => {
    const kernel = await harness.start({ parallel: { runtime: "inline" } });
    const tasks = await tasksOf(async () => {
      expect(await kernel.adopt(new Flaky()).run(2)).toBe(3);
    });
    expect(tasks.map(({ ok }) => ok)).toEqual([false, false, true]);
  });
});

it("keeps the contract of decorators", () =>
  runDecoratorContract({
    decorator: parallel,
    plugins: [parallelPlugin],
    config: { parallel: { runtime: "inline" } },
  }));
