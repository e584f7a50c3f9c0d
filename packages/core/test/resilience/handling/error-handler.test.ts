import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ConfigurationError,
  createKernel,
  ErrorClassifier,
  ErrorHandler,
  ProcessingError,
  withErrorHandling,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../support/temporary-folder.js";

const refused = Object.assign(new Error("connect ECONNREFUSED"), {
  code: "ECONNREFUSED",
  address: "127.0.0.1",
  port: 1,
});

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const linesOf = async (name: string): Promise<Array<Record<string, unknown>>> =>
  (await readFile(join(folder.path, name), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("ErrorHandler", () => {
  it("says what an error is and what to do", () => {
    const before = Date.now();
    const handled = new ErrorHandler().handle(refused, { file: "a.csv" });
    expect(handled).toEqual({
      error: refused,
      class: "transient",
      retryable: true,
      suggestions: [expect.stringContaining("Start the service at 127.0.0.1:1"), expect.any(String)],
      context: { file: "a.csv" },
      at: expect.any(Number),
    });
    expect(handled.error).toBe(refused);
    expect(handled.at).toBeGreaterThanOrEqual(before);
  });

  it("counts by class", () => {
    const handler = new ErrorHandler();
    for (const error of [refused, refused, new ConfigurationError("x"), new Error("?"), undefined])
      handler.handle(error);
    expect(handler.counts()).toEqual({
      transient: 2,
      permanent: 1,
      resource: 0,
      validation: 0,
      cancelled: 0,
      unknown: 2,
    });
  });

  it("knows the rules of its classifier", () => {
    const classifier = new ErrorClassifier();
    classifier.add({ match: "ECONNREFUSED", class: "permanent", suggestions: ["Call the operator."] });
    classifier.add({ match: "EPIPE", class: "resource" });
    const handler = new ErrorHandler(classifier);
    expect(handler.handle(refused)).toMatchObject({
      class: "permanent",
      retryable: false,
      suggestions: ["Call the operator."],
    });
    const [first] = handler.handle(Object.assign(new Error("x"), { code: "EPIPE" })).suggestions;
    expect(first).toMatch(/closed the connection/);
  });

  it.each([[undefined], [null], ["text"], [Symbol("s")], [Object.freeze({ a: 1 })], [() => 1]])(
    "handles whatever is thrown: %s",
    (thrown) =>
      expect(new ErrorHandler().handle(thrown)).toMatchObject({
        error: thrown,
        class: "unknown",
        suggestions: [],
      }),
  );
});

describe("what cannot be read", () => {
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  const refuse = (): never => {
    throw new TypeError("not for you");
  };
  const aggregate = new AggregateError([refused]);
  aggregate.errors.push(aggregate, aggregate);
  const circle = new Error("a");
  circle.cause = new Error("b", { cause: circle });

  // Made within the test, since its title would read them.
  it.each<[string, () => unknown]>([
    ["a revoked proxy", () => revoked],
    [
      "an error that throws when it is read",
      () => Object.defineProperties(new Error("x"), { code: { get: refuse }, name: { get: refuse } }),
    ],
    [
      "fields that are revoked proxies",
      () =>
        Object.assign(new Error("x"), {
          code: revoked,
          errors: revoked,
          suggestions: revoked,
          headers: revoked,
        }),
    ],
    ["a circle of causes", () => circle],
    ["an AggregateError that holds itself", () => aggregate],
  ])("is handled and logged all the same: %s", async (_, make) => {
    const error = make();
    const kernel = await createTestKernel({
      cwd: folder.path,
      config: { errorHandling: { logFile: "errors.jsonl" } },
    });
    const handled = kernel.resolve(ErrorHandler).handle(error, { error, big: 12n });
    await kernel.stop();
    expect(handled.error === error).toBe(true);
    expect(await linesOf("errors.jsonl")).toHaveLength(1);
  });
});

describe("the error log", () => {
  it("has a line for each handled error, without secrets", async () => {
    const kernel = await createTestKernel({
      cwd: folder.path,
      config: { errorHandling: { logFile: "logs/errors.jsonl" } },
    });
    const handler = kernel.resolve(ErrorHandler);
    const cause = Object.assign(new Error("connect to postgres://app:hunter2@db failed"), {
      code: "ECONNREFUSED",
    });
    handler.handle(new ProcessingError("import failed", { cause, context: { apiKey: "k", rows: 3 } }), {
      user: "ann",
      password: "p",
    });
    handler.handle("a text", "nightly import");
    handler.handle(new Error("x", { cause: 5 }), { circular: kernel });
    await kernel.stop();
    const [first, second, third] = await linesOf("logs/errors.jsonl");
    expect(first).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      pid: process.pid,
      class: "permanent",
      retryable: false,
      error: {
        name: "ProcessingError",
        code: "MLMCP_PROCESSING",
        message: "import failed",
        context: { apiKey: "[secret]", rows: 3 },
        stack: expect.stringContaining("error-handler.test"),
      },
      causes: [
        { name: "Error", code: "ECONNREFUSED", message: "connect to postgres://app:[secret]@db failed" },
      ],
      context: { user: "ann", password: "[secret]" },
      suggestions: [expect.stringContaining("Start the service"), expect.any(String)],
    });
    expect(second).toMatchObject({
      error: { thrown: "a text" },
      context: "nightly import",
      class: "unknown",
    });
    expect(third).toMatchObject({ causes: [{ thrown: 5 }] });
    expect(JSON.stringify([first, second, third])).not.toContain("hunter2");
  });

  it("cuts a long text short, whatever it is of", async () => {
    const kernel = await createTestKernel({
      cwd: folder.path,
      config: { errorHandling: { logFile: "errors.jsonl" } },
    });
    const long = "x".repeat(1_000_000);
    kernel.resolve(ErrorHandler).handle(new Error(long, { cause: new Error(long) }), long);
    await kernel.stop();
    expect((await readFile(join(folder.path, "errors.jsonl"), "utf8")).length).toBeLessThan(50_000);
  });

  it("is not there unless it is asked for", async () => {
    await using kernel = await createTestKernel({ cwd: folder.path });
    kernel.resolve(ErrorHandler).handle(refused);
    await kernel.resolve(ErrorHandler).flush();
    await expect(linesOf("logs/errors.jsonl")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("is named by a variable too, and rotates as the section says", async () => {
    const env = {
      MLMCP_ERROR_HANDLING_LOG_FILE: "errors.jsonl",
      MLMCP_ERROR_HANDLING_MAX_SIZE: "1KB",
      MLMCP_ERROR_HANDLING_MAX_FILES: "2",
    };
    const kernel = await createTestKernel({ cwd: folder.path, env });
    for (let n = 0; n < 40; n += 1) kernel.resolve(ErrorHandler).handle("x", { n });
    await kernel.stop();
    const [older, newer] = [await linesOf("errors.jsonl.1"), await linesOf("errors.jsonl")];
    expect(newer.at(-1)).toMatchObject({ context: { n: 39 } });
    expect(older.length + newer.length).toBeLessThan(40);
  });

  it("moves to another file at a reload, and stops there", async () => {
    const rc = join(folder.path, ".mlmcprc.json");
    const naming = (logFile: string | undefined) =>
      writeFile(rc, JSON.stringify({ errorHandling: { logFile } }));
    await naming("one.jsonl");
    const kernel = await createKernel({ cwd: folder.path, env: {}, configFile: rc });
    const handler = kernel.resolve(ErrorHandler);
    handler.handle("in one");
    await naming("two.jsonl");
    await kernel.reload();
    handler.handle("in two");
    await naming(undefined);
    await kernel.reload();
    handler.handle("in none");
    await kernel.stop();
    expect((await linesOf("one.jsonl")).map(({ error }) => error)).toEqual([{ thrown: "in one" }]);
    expect((await linesOf("two.jsonl")).map(({ error }) => error)).toEqual([{ thrown: "in two" }]);
  });

  it.each([[{ maxSize: 10 }], [{ maxFiles: 0 }], [{ logFile: "" }], [{ logfile: "x" }]])(
    "is refused with %j",
    async (errorHandling) => {
      await expect(createTestKernel({ config: { errorHandling: errorHandling as object } })).rejects.toThrow(
        ConfigurationError,
      );
    },
  );
});

describe("withErrorHandling", () => {
  const error = Object.freeze(new Error("own"));
  const handler = () => {
    const made = new ErrorHandler();
    const contexts: unknown[] = [];
    const { handle } = made;
    made.handle = (thrown, context) => {
      contexts.push(context);
      return handle.call(made, thrown, context);
    };
    return Object.assign(made, { contexts });
  };

  it("hands results on, and leaves what is synchronous synchronous", async () => {
    const none = handler();
    expect(withErrorHandling((a: number, b: number) => a + b, { handler: none })(1, 2)).toBe(3);
    await expect(withErrorHandling(async () => "later", { handler: none })()).resolves.toBe("later");
    expect(none.counts().unknown).toBe(0);
  });

  it("handles what is thrown and what is rejected, and the caller gets the same object", async () => {
    const own = handler();
    const throwing = withErrorHandling(
      function load(): void {
        throw error;
      },
      { handler: own },
    );
    const rejecting = withErrorHandling(
      async (_file: string) => {
        throw error;
      },
      { handler: own, context: (file) => ({ file }) },
    );
    expect(throwing).toThrow(error);
    await expect(rejecting("a.csv")).rejects.toBe(error);
    expect(own.contexts).toEqual(["load", { file: "a.csv" }]);
  });

  it("gives undefined in place of the error where it is asked to", async () => {
    const own = handler();
    expect(
      withErrorHandling(
        (): number => {
          throw error;
        },
        { handler: own, rethrow: false, context: "x" },
      )(),
    ).toBeUndefined();
    await expect(
      withErrorHandling(() => Promise.reject(error), { handler: own, rethrow: false })(),
    ).resolves.toBeUndefined();
    expect(own.counts().unknown).toBe(2);
  });

  it("keeps `this`, and loses no error over a context that fails", () => {
    const own = handler();
    const object = {
      name: "it",
      fail: withErrorHandling(
        function (this: { name: string }): void {
          throw Object.assign(new Error(this.name));
        },
        {
          handler: own,
          context: () => {
            throw new Error("no context");
          },
        },
      ),
    };
    expect(() => object.fail()).toThrow("it");
    expect(own.contexts).toEqual([{ contextFailed: "Error: no context" }]);
    const promising = withErrorHandling(() => object.fail(), {
      handler: own,
      context: (async () => {
        throw new Error("nobody waits for it");
      }) as never,
    });
    expect(promising).toThrow("it");
    expect(own.contexts.at(-1)).toEqual({ contextFailed: "It gave a promise." });
  });
});
