import {
  ConfigurationError,
  createMethodDecorator,
  definePlugin,
  isMlmcpError,
  onEvent,
  retry,
  ValidationError,
  type KernelConfig,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { validatePlugin, validated, type ValidationFailed } from "@mlmcp/plugin-validate";
import { afterEach, describe, expect, it } from "vitest";

/** Stands where a cache does, and keeps what it is given. */
const remembered = createMethodDecorator({
  name: "remembered",
  schema: { type: "object" },
  serves: { sync: true },
  parts: [
    {
      at: "cache",
      around: (next) => {
        const kept = new Map<string, unknown>();
        return async (self, args) => {
          const key = JSON.stringify(args);
          if (!kept.has(key)) kept.set(key, await next(self, args));
          return kept.get(key);
        };
      },
    },
  ],
});
const rememberPlugin = definePlugin({ name: "remember", decorators: [remembered] });

const listening: Array<() => void> = [];
function failures(): Array<ValidationFailed & { operation?: string }> {
  const heard: Array<ValidationFailed & { operation?: string }> = [];
  listening.push(onEvent("validation:failed", (event) => heard.push(event)));
  return heard;
}
afterEach(() => listening.splice(0).forEach((stop) => stop()));

const kernelWith = (config: KernelConfig = {}) =>
  createTestKernel({ plugins: [validatePlugin, rememberPlugin], config });

describe("@validated among other advice", () => {
  class Prices {
    calls = 0;
    results: unknown[] = [];

    @remembered()
    @retry({ maxRetries: 2, initialDelay: 0 })
    @validated({ args: [{ type: "string" }], returns: { type: "number" } })
    async price(_item: string): Promise<unknown> {
      this.calls++;
      return this.results.shift();
    }
  }

  it("refuses wrong arguments before any cache key, retry or method", async () => {
    await using kernel = await kernelWith();
    const prices = kernel.adopt(new Prices());
    await expect(prices.price(1n as never)).rejects.toBeInstanceOf(ValidationError); // a key of a bigint would throw a TypeError
    expect(prices.calls).toBe(0);
  });

  it("never lets a wrong result be stored, nor has it tried again", async () => {
    await using kernel = await kernelWith();
    const prices = kernel.adopt(new Prices());
    prices.results = ["wrong", 7];
    await expect(prices.price("a")).rejects.toMatchObject({ code: "MLMCP_VALIDATION_RESULT" });
    expect(prices.calls).toBe(1);
    expect(await prices.price("a")).toBe(7);
    expect(await prices.price("a")).toBe(7);
    expect(prices.calls).toBe(2);
  });

  it("leaves the method's own error as it is", async () => {
    const fault = new Error("no");
    class Failing {
      @validated({ args: [], returns: { type: "number" } })
      async run(): Promise<number> {
        throw fault;
      }
    }
    await using kernel = await kernelWith();
    await expect(kernel.adopt(new Failing()).run()).rejects.toBe(fault);
  });
});

describe('@validated with mode "warn"', () => {
  class Loose {
    @validated({ args: [{ type: "number" }], returns: { type: "string" }, mode: "warn", coerce: true })
    async run(value: unknown): Promise<unknown> {
      return value;
    }
  }

  it("publishes what is wrong and lets the call go on with the arguments as they were given", async () => {
    const heard = failures();
    await using kernel = await kernelWith();
    const given = { not: "a number" };
    expect(await kernel.adopt(new Loose()).run(given)).toBe(given);
    expect(heard).toMatchObject([
      {
        operation: "Loose.run",
        kernel: kernel.id,
        subject: "arguments",
        mode: "warn",
        issues: [{ path: "args[0]", keyword: "type", argument: 0 }],
      },
      {
        operation: "Loose.run",
        subject: "result",
        mode: "warn",
        issues: [{ path: "result", keyword: "type" }],
      },
    ]);
  });

  it("still converts what it can", async () => {
    const heard = failures();
    await using kernel = await kernelWith();
    expect(await kernel.adopt(new Loose()).run("5")).toBe(5);
    expect(heard.map(({ subject }) => subject)).toEqual(["result"]);
  });

  it("can be set for one operation by configuration, and the refusals of others are published too", async () => {
    class Strict {
      @validated({ args: [{ type: "number" }] })
      run(value: unknown): unknown {
        return value;
      }
    }
    const heard = failures();
    await using lenient = await kernelWith({ operations: { "Strict.run": { validated: { mode: "warn" } } } });
    expect(lenient.adopt(new Strict()).run("x")).toBe("x");
    await lenient.stop();
    await using strict = await kernelWith();
    expect(() => strict.adopt(new Strict()).run("x")).toThrow(ValidationError);
    expect(heard.map(({ mode }) => mode)).toEqual(["warn", "enforce"]);
  });
});

describe("@validated that cannot work", () => {
  it("names the operation, the argument and the mistake of a schema at the first call", async () => {
    class Typo {
      @validated({ args: [true, { type: "number", minimun: 1 }] })
      async run(..._args: unknown[]): Promise<void> {}
    }
    await using kernel = await kernelWith();
    const call = kernel.adopt(new Typo()).run(1, 2);
    await expect(call).rejects.toBeInstanceOf(ConfigurationError);
    await expect(call).rejects.toThrow(
      'args[1] of @validated on Typo.run is not a usable JSON Schema: unknown keyword: "minimun"',
    );
  });

  it("says that there is nothing to check", async () => {
    class Nothing {
      @validated({ coerce: true })
      async run(): Promise<void> {}
    }
    await using kernel = await kernelWith();
    await expect(kernel.adopt(new Nothing()).run()).rejects.toThrow(
      /@validated on Nothing\.run cannot work:\s+there is nothing to check/,
    );
  });

  it("refuses returns on a method that yields items", async () => {
    class Stream {
      @validated({ args: [], returns: { type: "array" } })
      async *rows(): AsyncGenerator<number> {
        yield 1;
      }
      @validated({ args: [], returns: { type: "array" } })
      hidden(): AsyncIterable<number> {
        return { [Symbol.asyncIterator]: () => this.rows() };
      }
    }
    await using kernel = await kernelWith();
    const stream = kernel.adopt(new Stream());
    const failing = await (async () => {
      for await (const row of stream.rows()) return row;
      return undefined;
    })().catch((error: unknown) => error);
    expect(isMlmcpError(failing) && failing.message).toMatch(
      /returns cannot be checked on a method that yields items/,
    );
    expect(() => stream.hidden()).toThrow("The method has already run");
  });
});

describe("@validated", () => {
  it("keeps concurrent calls apart, with the validity of each its own", async () => {
    class Echo {
      @validated({ args: [{ type: "integer" }] })
      async run(value: unknown): Promise<unknown> {
        await new Promise((resolve) => setImmediate(resolve));
        return value;
      }
    }
    await using kernel = await kernelWith();
    const echo = kernel.adopt(new Echo());
    const values = Array.from({ length: 200 }, (_, index) => (index % 3 === 0 ? `text ${index}` : index));
    const settled = await Promise.allSettled(values.map((value) => echo.run(value)));
    for (const [index, result] of settled.entries()) {
      if (index % 3 === 0) {
        expect(result.status).toBe("rejected");
        expect(String((result as PromiseRejectedResult).reason)).toContain(`"text ${index}"`);
      } else expect(result).toEqual({ status: "fulfilled", value: index });
    }
  });

  it("follows strictMode of the kernel that runs the call", async () => {
    class Store {
      @validated({ args: [{ type: "object", properties: { a: { type: "string" } } }] })
      put(value: object): object {
        return value;
      }
    }
    await using open = await kernelWith();
    await using strict = await kernelWith({ validation: { strictMode: true } });
    const value = { a: "x", b: 1 };
    expect(open.adopt(new Store()).put(value)).toBe(value);
    expect(() => strict.adopt(new Store()).put(value)).toThrow(
      "args[0].b is not a known property (received 1)",
    );
  });

  it("serves functions that a kernel wraps", async () => {
    await using kernel = await kernelWith();
    const parse = kernel.wrap((text: string) => text.length, {
      name: "parse",
      validated: { args: [{ type: "string" }] },
    });
    expect(parse("abc")).toBe(3);
    expect(() => parse(1 as never)).toThrow(
      "parse was called with arguments that are not valid: args[0] must be string (received 1)",
    );
  });
});
