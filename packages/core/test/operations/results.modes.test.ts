import { EventEmitter, on } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { createMethodDecorator, currentOperation, onEvent, retry } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it } from "vitest";
import {
  asyncOnly,
  beginAnew,
  contextual,
  observing,
  pluginOf,
  tracing,
  type Trace,
} from "../support/tracing.js";

const trace: Trace = [];
const observed = observing("observed", trace);
const traced = tracing("traced", trace, "cache");
const deferred = asyncOnly();
const inContext = contextual();
const plugin = pluginOf(observed, traced, deferred, inContext);

const fresh = () => beginAnew(trace);

async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}

describe("a synchronous method", () => {
  class Subject {
    @observed()
    @traced()
    add(a: number, b: number) {
      return a + b;
    }
    @observed()
    fail() {
      throw new Error("sync");
    }
    // A decorator from JavaScript, where no compiler refuses it.
    @(deferred() as any)
    plain() {
      trace.push("ran");
      return 1;
    }
    @(deferred() as any)
    iterates() {
      return Readable.from([1]);
    }
  }

  it("stays synchronous under advice that can serve it", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    fresh();
    expect(subject.add(1, 2)).toBe(3);
    expect(trace).toEqual(["start 1,2", "> traced", "< traced", "end 1,2 ok 3"]);
  });

  it("throws synchronously, and its observers hear of it", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    fresh();
    expect(() => subject.fail()).toThrow("sync");
    expect(trace).toEqual(["start ", "end  failed sync"]);
  });

  it("is refused by advice that needs a promise, in an error that says it has already run", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    fresh();
    await expect(subject.plain()).rejects.toThrow(
      /Subject\.plain returned a value of type number, but @deferred needs a promise\. The method has already run\. Make it `async`/,
    );
    expect(trace).toEqual(["ran"]);
    await expect(subject.iterates()).rejects.toThrow(
      /returned an async iterable, but @deferred needs a promise.*async \*/,
    );
  });
});

describe("a method that returns a promise", () => {
  class Subject {
    @observed()
    async resolve(value: string) {
      return value;
    }
    @observed()
    async reject() {
      throw new Error("async");
    }
    @observed()
    plainPromise() {
      return Promise.resolve("plain");
    }
    @observed()
    builder() {
      return new Query();
    }
  }

  class Query {
    runs = 0;
    where() {
      return this;
    }
    // oxlint-disable-next-line unicorn/no-thenable -- as query builders do
    then(resolve: (value: string) => void) {
      this.runs++;
      resolve("rows");
    }
  }

  it("is over for its observers when the promise settles", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    fresh();
    const pending = subject.resolve("a");
    expect(trace).toEqual(["start a"]);
    await pending;
    await expect(subject.reject()).rejects.toThrow("async");
    await subject.plainPromise();
    expect(trace).toEqual([
      "start a",
      "end a ok a",
      "start ",
      "end  failed async",
      "start ",
      "end  ok plain",
    ]);
  });

  it("leaves a lazy thenable, such as a query builder, to its caller", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const query = kernel.adopt(new Subject()).builder();
    expect(query).toBeInstanceOf(Query);
    expect(query.where().runs).toBe(0);
    expect(await query).toBe("rows");
  });

  it("raises one unhandled rejection where nobody handles its failure", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    const unhandled: unknown[] = [];
    const listeners = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", (reason) => unhandled.push(reason));
    try {
      void subject.reject();
      await new Promise((resolve) => setTimeout(resolve, 5));
    } finally {
      process.removeAllListeners("unhandledRejection");
      for (const listener of listeners) process.on("unhandledRejection", listener);
    }
    expect(unhandled).toHaveLength(1);
  });
});

describe("a method that returns an async iterable", () => {
  class Subject {
    failures = 0;
    signal: AbortSignal | undefined;
    @observed()
    async *count(to: number): AsyncGenerator<number, string, string | undefined> {
      for (let item = 1; item <= to; item++) {
        const sent = yield item;
        if (sent) trace.push(`sent ${sent}`);
      }
      return "done";
    }
    @observed()
    @inContext()
    async *cleaning() {
      try {
        this.signal = currentOperation()?.signal;
        yield currentOperation()?.id;
        yield currentOperation()?.id;
      } finally {
        trace.push(`cleaned up, aborted: ${this.signal?.aborted}`);
      }
    }
    @retry({ maxRetries: 3, initialDelay: 1 })
    async *flaky() {
      if (this.failures++ < 2) throw new Error("not yet");
      yield "first";
      throw new Error("too late");
    }
    @observed()
    stream() {
      return Readable.from(["a", "b"]);
    }
    @observed()
    custom() {
      return new Custom();
    }
    @observed()
    *sync(to: number) {
      for (let item = 1; item <= to; item++) yield item;
    }
  }

  class Custom {
    #items = [1, 2];
    get size() {
      return this.#items.length;
    }
    first() {
      return this.#items[0];
    }
    async *[Symbol.asyncIterator]() {
      yield* this.#items;
    }
  }

  it("lasts for its observers until the iteration ends", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    fresh();
    const iteration = subject.count(2);
    expect(trace).toEqual([]);
    expect(await iteration.next()).toEqual({ done: false, value: 1 });
    expect(trace).toEqual(["start 2"]);
    await iteration.next("hello");
    expect(await iteration.next()).toEqual({ done: true, value: "done" });
    expect(trace).toEqual(["start 2", "sent hello", "end 2 ok done"]);
  });

  it("is cancelled and cleaned up when the consumer leaves", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    fresh();
    for await (const id of subject.cleaning()) {
      expect(id).toBe("Subject.cleaning");
      break;
    }
    expect(trace).toEqual(["start ", "cleaned up, aborted: true", "end  ok undefined"]);
  });

  it("passes on what the consumer throws into it", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    fresh();
    const iteration = subject.count(5);
    await iteration.next();
    await expect(iteration.throw(new Error("thrown in"))).rejects.toThrow("thrown in");
    expect(trace).toEqual(["start 5", "end 5 failed thrown in"]);
  });

  it("is retried only before its first item", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    const items: string[] = [];
    await expect(
      (async () => {
        for await (const item of subject.flaky()) items.push(item);
      })(),
    ).rejects.toThrow("too late");
    expect(items).toEqual(["first"]);
    expect(subject.failures).toBe(3);
  });

  it("keeps a Node stream the stream it is", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    fresh();
    const stream = kernel.adopt(new Subject()).stream();
    expect(stream).toBeInstanceOf(Readable);
    expect(trace).toEqual(["start "]);
    expect(
      await collect(stream.pipe(new (await import("node:stream")).PassThrough({ objectMode: true }))),
    ).toEqual(["a", "b"]);
    expect(trace).toEqual(["start ", "end  ok undefined"]);
  });

  it("keeps an object of another class usable, with its private fields", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    fresh();
    const custom = kernel.adopt(new Subject()).custom();
    expect(custom).toBeInstanceOf(Custom);
    expect([custom.size, custom.first()]).toEqual([2, 1]);
    expect(await collect(custom)).toEqual([1, 2]);
    expect(trace).toEqual(["start ", "end  ok undefined"]);
  });

  it("keeps an iterator of another class, with its members, and calls it at once", async () => {
    class Tokens {
      readonly controller = new AbortController();
      #left = 2;
      async next() {
        return this.#left-- > 0
          ? { done: false as const, value: this.#left }
          : { done: true as const, value: undefined };
      }
      async return() {
        trace.push("returned");
        return { done: true as const, value: undefined };
      }
      [Symbol.asyncIterator]() {
        return this;
      }
    }
    class Model {
      @observed()
      tokens() {
        return new Tokens();
      }
      @observed()
      events() {
        return on(emitter, "token");
      }
    }
    const emitter = new EventEmitter();
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const model = kernel.adopt(new Model());
    fresh();
    const tokens = model.tokens();
    expect(tokens).toBeInstanceOf(Tokens);
    expect(tokens.controller.signal.aborted).toBe(false);
    for await (const _ of tokens) break;
    expect(trace).toEqual(["start ", "returned", "end  ok undefined"]);
    fresh();
    const events = model.events() as AsyncGenerator;
    const pending = events.next();
    await events.return(undefined);
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(trace).toEqual(["start ", "end  ok undefined"]);
  });

  it("keeps a web stream one that the platform takes", async () => {
    class Bodies {
      @observed()
      body() {
        return new Response("text").body!;
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const bodies = kernel.adopt(new Bodies());
    expect(await new Response(bodies.body()).text()).toBe("text");
    fresh();
    const chunks = await collect(bodies.body() as AsyncIterable<Uint8Array>);
    expect(Buffer.concat(chunks).toString()).toBe("text");
    expect(trace).toEqual(["start ", "end  ok undefined"]);
  });

  it("leaves a stream's error uncaught where nobody listens for it", async () => {
    class Files {
      @observed()
      open() {
        return new Readable({ read: () => undefined });
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const stream = kernel.adopt(new Files()).open();
    expect(stream.listenerCount("error")).toBe(0);
    const closed = new Promise((resolve) => stream.on("close", resolve));
    stream.on("error", () => undefined).destroy(new Error("gone"));
    await closed;
    expect(trace.at(-1)).toBe("end  failed gone");
  });

  it("may be returned again and again by the same method", async () => {
    class Singleton {
      readonly feed = {
        async *[Symbol.asyncIterator]() {
          yield 1;
        },
      };
      @observed()
      stream() {
        return this.feed;
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const singleton = kernel.adopt(new Singleton());
    for (let round = 0; round < 3; round++) expect(await collect(singleton.stream())).toEqual([1]);
  });

  it("never holds a stop up where nobody reads a synchronous iterator to its end", async () => {
    class Ids {
      readonly map = new Map([["a", 1]]);
      @observed()
      ids() {
        return this.map.keys();
      }
      @observed()
      *generated() {
        yield 1;
        yield 2;
      }
    }
    const kernel = await createTestKernel({ plugins: [plugin], config: { system: { stopTimeout: "1h" } } });
    const ids = kernel.adopt(new Ids());
    expect([ids.ids().next().value, ids.generated().next().value]).toEqual(["a", 1]);
    await kernel.stop();
  });

  describe("and that a plain function gave", () => {
    class Sources {
      @observed()
      web() {
        return new Response("text").body!;
      }
      @observed()
      node() {
        return Readable.from(["a", "b"]);
      }
      @observed()
      cursor() {
        return {
          toArray: () => [1, 2],
          async *[Symbol.asyncIterator]() {
            yield* [1, 2];
          },
        };
      }
    }
    const untilAllAreOver = { system: { stopTimeout: "1h" } } as const;
    const start = async () => {
      const kernel = await createTestKernel({ plugins: [plugin], config: untilAllAreOver });
      return { kernel, sources: kernel.adopt(new Sources()) };
    };

    it("never holds a stop up before anybody iterates it", async () => {
      const { kernel, sources } = await start();
      const made = [sources.web(), sources.node(), sources.cursor()];
      expect(sources.cursor().toArray()).toEqual([1, 2]);
      await kernel.stop();
      expect(made).toHaveLength(3);
    });

    it("never holds a stop up where the platform reads it", async () => {
      const { kernel, sources } = await start();
      const response = new Response(sources.web());
      await kernel.stop();
      expect(await response.text()).toBe("text");
    });

    it.each(["web", "node", "cursor"] as const)(
      "holds a stop up from its first step on (%s)",
      async (kind) => {
        const { kernel, sources } = await start();
        fresh();
        const iterator = (sources[kind]() as AsyncIterable<unknown>)[Symbol.asyncIterator]();
        await iterator.next();
        const stopped = kernel.stop().then(() => trace.push("stopped"));
        await new Promise(setImmediate);
        trace.push("left");
        await iterator.return!();
        await stopped;
        expect(trace).toEqual(["start ", "left", "end  ok undefined", "stopped"]);
      },
    );

    it("holds a stop up while it flows into another stream", async () => {
      const { kernel, sources } = await start();
      fresh();
      const target = new PassThrough({ objectMode: true, highWaterMark: 1 });
      sources.node().pipe(target);
      const stopped = kernel.stop().then(() => trace.push("stopped"));
      await new Promise(setImmediate);
      trace.push("reading");
      expect(await collect(target)).toEqual(["a", "b"]);
      await stopped;
      expect(trace).toEqual(["start ", "reading", "end  ok undefined", "stopped"]);
    });

    it("holds a stop up where its method reads it already", async () => {
      class Reading {
        @observed()
        lines() {
          return Readable.from(["a"]).on("data", () => undefined);
        }
      }
      const { kernel } = await start();
      fresh();
      kernel.adopt(new Reading()).lines();
      await kernel.stop();
      expect(trace).toEqual(["start ", "end  ok undefined"]);
    });
  });

  it("is refused at its first item where the kernel has stopped meanwhile", async () => {
    const kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    const made = [subject.count(1), subject.sync(1)] as const;
    await kernel.stop();
    await expect(made[0].next()).rejects.toThrow(/its kernel has stopped/);
    expect(() => made[1].next()).toThrow(/its kernel has stopped/);
  });

  it("may be a synchronous generator", async () => {
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    fresh();
    expect([...subject.sync(2)]).toEqual([1, 2]);
    for (const item of subject.sync(9)) if (item === 2) break;
    expect(trace).toEqual(["start 2", "end 2 ok undefined", "start 9", "end 9 ok undefined"]);
  });
});

describe("an observer", () => {
  it("that fails never fails the call, and is reported", async () => {
    const failing = createMethodDecorator({
      name: "failing",
      schema: { type: "object" },
      serves: { sync: true },
      parts: [
        {
          observe: ({ operation }) => ({
            start() {
              if (operation.methodName === "atStart") throw new Error("start");
            },
            end() {
              throw new Error("end");
            },
          }),
        },
      ],
    });
    class Subject {
      @failing()
      async atStart() {
        return 1;
      }
      @failing()
      atEnd() {
        return 2;
      }
    }
    await using kernel = await createTestKernel({ plugins: [pluginOf(failing)] });
    const reported: string[] = [];
    const end = onEvent("advice:failed", ({ operation, advice, error }) =>
      reported.push(`${operation} ${advice} ${String(error)}`),
    );
    const subject = kernel.adopt(new Subject());
    expect([await subject.atStart(), subject.atEnd()]).toEqual([1, 2]);
    end();
    expect(reported).toEqual(["Subject.atStart failing Error: start", "Subject.atEnd failing Error: end"]);
  });

  it("may stand inside other advice", async () => {
    const inner = createMethodDecorator({
      name: "inner",
      schema: { type: "object" },
      serves: { sync: true, streams: true },
      parts: [
        {
          at: "offload",
          observe: () => ({
            start: () => trace.push("inner start"),
            end: (_started, ok) => trace.push(`inner end ${ok}`),
          }),
        },
      ],
    });
    class Subject {
      tries = 0;
      @retry({ maxRetries: 1, initialDelay: 0 })
      @inner()
      async work() {
        if (this.tries++ === 0) throw new Error("first");
        return "second";
      }
      @inner()
      @traced()
      sync() {}
      @inner()
      @retry()
      async *stream() {
        yield 1;
        trace.push("between");
        yield 2;
      }
    }
    await using kernel = await createTestKernel({ plugins: [pluginOf(inner), plugin] });
    const subject = kernel.adopt(new Subject());
    fresh();
    expect(await subject.work()).toBe("second");
    expect(trace).toEqual(["inner start", "inner end false", "inner start", "inner end true"]);
    fresh();
    subject.sync();
    expect(trace).toEqual(["> traced", "inner start", "inner end true", "< traced"]);
    fresh();
    expect(await collect(subject.stream())).toEqual([1, 2]);
    expect(trace).toEqual(["inner start", "between", "inner end true"]);
  });
});
