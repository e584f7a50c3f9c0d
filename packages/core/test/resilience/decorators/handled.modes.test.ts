import {
  degrade,
  ErrorHandler,
  handled,
  onEvent,
  retry,
  ValidationError,
  type Kernel,
  ConfigurationError,
  createMethodDecorator,
  definePlugin,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { written } from "../../support/written.js";

const error = Object.freeze(Object.assign(new Error("down"), { code: "ECONNREFUSED" }));
const invalid = new ValidationError("no date");

/** Refuses every call, where validation stands. */
const refusing = createMethodDecorator<{ now?: boolean }>({
  name: "refusing",
  schema: { type: "object", properties: { now: { type: "boolean" } } },
  serves: { sync: true },
  parts: [
    {
      at: "validate",
      around: () => () => {
        throw invalid;
      },
    },
  ],
});
const refusingPlugin = definePlugin({ name: "refusing", decorators: [refusing] });

class Importer {
  calls = 0;
  readonly source = "s3";

  @handled({ context: (file: string) => ({ file }) })
  @retry({ maxRetries: 2, initialDelay: 0 })
  async load(_file: string): Promise<string> {
    this.calls += 1;
    throw error;
  }

  @handled("nightly")
  @degrade({ fallback: { value: "stale" }, breaker: false })
  async served(): Promise<string> {
    throw error;
  }

  @handled({ rethrow: false, context: { job: 1 } })
  async swallowed(): Promise<string | undefined> {
    throw error;
  }

  @handled()
  sync(): number {
    throw error;
  }

  @handled({ rethrow: false })
  syncSwallowed(): number | undefined {
    throw error;
  }

  @handled()
  async fine(): Promise<string> {
    return "data";
  }

  @handled()
  async *rows(): AsyncGenerator<number> {
    yield 1;
    throw error;
  }

  @handled()
  @refusing()
  async validated(): Promise<string> {
    return "data";
  }

  @handled({ rethrow: false })
  @refusing()
  async validatedSwallowed(): Promise<string | undefined> {
    return "data";
  }

  @handled({
    context(this: Importer) {
      return { source: this.source };
    },
  })
  async aware(): Promise<never> {
    throw error;
  }

  @handled({
    context: () => {
      throw new Error("no context");
    },
  })
  async careless(): Promise<never> {
    throw error;
  }
}

let kernel: Kernel;
let importer: Importer;
let events: unknown[];

beforeEach(async () => {
  kernel = await createTestKernel({ plugins: [refusingPlugin] });
  importer = kernel.adopt(new Importer());
  events = [];
  onTestFinished(
    onEvent("error:handled", ({ operation, class: kind, context, error: thrown }) =>
      events.push([operation, kind, context, thrown]),
    ),
  );
});
afterEach(() => kernel.stop());

const counts = () => kernel.resolve(ErrorHandler).counts();

describe("@handled", () => {
  it("sees the error that is left after all retries, once, and hands on the same object", async () => {
    await expect(importer.load("a.csv")).rejects.toBe(error);
    expect(importer.calls).toBe(3);
    expect(events).toEqual([["Importer.load", "transient", { file: "a.csv" }, error]]);
    expect(counts().transient).toBe(1);
  });

  it("sees nothing where a fallback has answered or all went well", async () => {
    expect([await importer.served(), await importer.fine()]).toEqual(["stale", "data"]);
    expect(events).toEqual([]);
  });

  it("sees invalid arguments", async () => {
    await expect(importer.validated()).rejects.toBe(invalid);
    expect(await importer.validatedSwallowed()).toBeUndefined();
    expect(importer.validatedSwallowed()).toBeInstanceOf(Promise);
    expect(events.slice(0, 2)).toEqual([
      ["Importer.validated", "validation", undefined, invalid],
      ["Importer.validatedSwallowed", "validation", undefined, invalid],
    ]);
  });

  it("gives undefined in place of the error where it is asked to", async () => {
    await expect(importer.swallowed()).resolves.toBeUndefined();
    expect(importer.syncSwallowed()).toBeUndefined();
    expect(events).toEqual([
      ["Importer.swallowed", "transient", { job: 1 }, error],
      ["Importer.syncSwallowed", "transient", undefined, error],
    ]);
  });

  it("leaves a synchronous method synchronous", () => {
    expect(() => importer.sync()).toThrow(error);
    expect(events).toEqual([["Importer.sync", "transient", undefined, error]]);
  });

  it("sees what ends a stream in the middle", async () => {
    const items: number[] = [];
    const reading = (async () => {
      for await (const item of importer.rows()) items.push(item);
    })();
    await expect(reading).rejects.toBe(error);
    expect([items, events]).toEqual([[1], [["Importer.rows", "transient", undefined, error]]]);
  });

  it("asks for the context on the method's object, and loses no error over one that fails", async () => {
    await expect(importer.aware()).rejects.toBe(error);
    await expect(importer.careless()).rejects.toBe(error);
    expect(events).toEqual([
      ["Importer.aware", "transient", { source: "s3" }, error],
      ["Importer.careless", "transient", { contextFailed: "Error: no context" }, error],
    ]);
  });

  it("loses no error over a context that cannot be read", async () => {
    const context = () => ({
      get user(): string {
        throw new Error("not loaded");
      },
    });
    const fail = async (): Promise<never> => {
      throw error;
    };
    const run = kernel.wrap(fail, { name: "run", handled: { context } });
    const quiet = kernel.wrap(fail, { name: "quiet", handled: { context, rethrow: false } });
    await expect(run()).rejects.toBe(error);
    expect(await quiet()).toBeUndefined();
    expect(counts()).toMatchObject({ transient: 2 });
    expect(events).toHaveLength(2);
  });

  it("is tuned and turned off by the configuration", async () => {
    const config = {
      operations: {
        "Importer.load": { handled: { rethrow: false } },
        "Importer.swallowed": { handled: false },
      },
    };
    await using configured = await createTestKernel({ config, plugins: [refusingPlugin] });
    const tuned = configured.adopt(new Importer());
    await expect(tuned.load("a.csv")).resolves.toBeUndefined();
    await expect(tuned.swallowed()).rejects.toBe(error);
    expect(configured.resolve(ErrorHandler).counts().transient).toBe(1);
  });

  it("serves a wrapped function", async () => {
    const load = kernel.wrap(
      async () => {
        throw error;
      },
      { name: "load", handled: "by hand" },
    );
    await expect(load()).rejects.toBe(error);
    expect(events).toEqual([["load", "transient", "by hand", error]]);
  });

  it("refuses rethrow: false on a stream, and what is no context", async () => {
    class Wrong {
      @handled({ rethrow: false })
      async *rows(): AsyncGenerator<number> {
        yield 1;
      }
    }
    await expect(kernel.adopt(new Wrong()).rows().next()).rejects.toMatchObject({
      code: "MLMCP_ADVICE_OPTIONS",
    });
    expect(() => written(handled({ context: 1 as never }))).toThrow(ConfigurationError);
    expect(() => written(handled(""))).toThrow(ConfigurationError);
  });
});
