import { createMethodDecorator, operationOf } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it } from "vitest";
import { asyncOnly, pluginOf, tracing, type Trace } from "../support/tracing.js";

const trace: Trace = [];
const traced = tracing("traced", trace, "cache");
const other = tracing("other", trace, "observe");
const plugin = pluginOf(traced, other);

describe("a decorated method", () => {
  it("keeps `this`, its name, its number of parameters and what it returns", async () => {
    class Subject {
      factor = 2;
      @traced()
      multiply(value: number, times: number) {
        return value * times * this.factor;
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    expect(subject.multiply(3, 4)).toBe(24);
    expect(subject.multiply.name).toBe("multiply");
    expect(subject.multiply.length).toBe(2);
    expect(Object.keys(Subject.prototype)).toEqual([]);
    expect("prototype" in subject.multiply).toBe(false);
    expect(() => Reflect.construct(subject.multiply, [])).toThrow(TypeError);
  });

  it("may be static, and its id says so", async () => {
    class Tools {
      static base = 40;
      @traced()
      static add(value: number) {
        return this.base + value;
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    expect(Tools.add(2)).toBe(42);
    expect(kernel.operations.get("Tools.static.add")).toMatchObject({ kind: "static", className: "Tools" });
  });

  it("may have a symbol as its name", async () => {
    const run = Symbol("run");
    class Runner {
      @traced()
      [run]() {
        return "ran";
      }
      @traced()
      async *[Symbol.asyncIterator]() {
        yield 1;
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const runner = kernel.adopt(new Runner());
    expect(runner[run]()).toBe("ran");
    const items: number[] = [];
    for await (const item of runner) items.push(item);
    expect(items).toEqual([1]);
    expect(kernel.operations.get("Runner.[run]")?.methodName).toBe(run);
  });

  it("keeps generics and overloads", async () => {
    class Subject {
      @traced()
      async same<T>(value: T): Promise<T> {
        return value;
      }
      parse(text: string): number;
      parse(text: string, asText: true): string;
      @traced()
      parse(text: string, asText?: true): number | string {
        return asText ? text : Number(text);
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const subject = kernel.adopt(new Subject());
    const same: { id: number } = await subject.same({ id: 1 });
    const parsed: number = subject.parse("7");
    const text: string = subject.parse("7", true);
    expect([same.id, parsed, text]).toEqual([1, 7, "7"]);
  });

  it("runs the parent's advice once through super, and its own around it", async () => {
    trace.length = 0;
    class Parent {
      @traced({ tag: "parent" })
      async work() {
        return "parent";
      }
    }
    class Child extends Parent {
      @traced({ tag: "child" })
      override async work() {
        return `child of ${await super.work()}`;
      }
    }
    class Grandchild extends Child {}
    await using kernel = await createTestKernel({ plugins: [plugin] });
    expect(await kernel.adopt(new Grandchild()).work()).toBe("child of parent");
    expect(trace).toEqual(["> child", "> parent", "< parent", "< child"]);
    expect(kernel.operations.list().map(({ id }) => id)).toEqual(
      expect.arrayContaining(["Child.work", "Parent.work"]),
    );
  });

  it("loses the parent's advice where a child overrides it undecorated", async () => {
    trace.length = 0;
    class Base {
      @traced()
      work() {
        return "base";
      }
    }
    class Plain extends Base {
      override work() {
        return "plain";
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    expect(kernel.adopt(new Plain()).work()).toBe("plain");
    expect(trace).toEqual([]);
  });

  it("is not shared between the instances of its class", async () => {
    class Counter {
      count = 0;
      @traced()
      increment() {
        return ++this.count;
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const [a, b] = [kernel.adopt(new Counter()), kernel.adopt(new Counter())];
    a.increment();
    expect([a.increment(), b.increment()]).toEqual([2, 1]);
  });

  it("can be found from its function", () => {
    class Found {
      @traced()
      work() {}
    }
    expect(new Found()).toBeInstanceOf(Found);
    expect(operationOf(Found.prototype.work)).toMatchObject({ id: "Found.work", methodName: "work" });
    expect(operationOf(() => {})).toBeUndefined();
  });

  it("takes its id from `name`, where class names are minified", async () => {
    class a {
      @traced({ name: "Orders.submit" })
      @other()
      t() {
        return 1;
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    expect(kernel.adopt(new a()).t()).toBe(1);
    expect(kernel.operations.get("Orders.submit")).toBeDefined();
    expect(kernel.operations.get("a.t")).toBeUndefined();
  });
});

describe("a decorated class", () => {
  it("gives its own methods the advice, and never its statics, accessors and inherited methods", async () => {
    trace.length = 0;
    class Parent {
      inherited() {}
    }
    @traced()
    class Whole extends Parent {
      static helper() {}
      one() {
        return 1;
      }
      private two() {
        return 2;
      }
      get three() {
        return this.two();
      }
      [Symbol.toPrimitive]() {
        return 0;
      }
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const whole = kernel.adopt(new Whole());
    Whole.helper();
    whole.inherited();
    Number(whole);
    expect(trace).toEqual([]);
    whole.one();
    expect(trace).toEqual(["> traced", "< traced"]);
    expect(whole.three).toBe(2);
    expect(trace).toHaveLength(4);
    expect(Object.getOwnPropertyDescriptor(Whole.prototype, "one")?.enumerable).toBe(false);
  });

  it("is limited by `only` and `except`", async () => {
    @traced({ only: ["a"] })
    @other({ except: ["a"] })
    class Partial {
      a() {}
      b() {}
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const partial = kernel.adopt(new Partial());
    trace.length = 0;
    partial.a();
    expect(trace).toEqual(["> traced", "< traced"]);
    trace.length = 0;
    partial.b();
    expect(trace).toEqual(["> other", "< other"]);
  });

  it("yields to the method's own decorator", async () => {
    @traced({ tag: "class" })
    class Mixed {
      @traced({ tag: "method" })
      own() {}
      plain() {}
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    const mixed = kernel.adopt(new Mixed());
    trace.length = 0;
    mixed.own();
    mixed.plain();
    expect(trace).toEqual(["> method", "< method", "> class", "< class"]);
  });

  it("takes the name of its ids from `name`", async () => {
    @traced({ name: "Billing" })
    class b {
      charge() {}
    }
    await using kernel = await createTestKernel({ plugins: [plugin] });
    kernel.adopt(new b()).charge();
    expect(kernel.operations.get("Billing.charge")).toBeDefined();
  });

  it("refuses names in `only` that are no methods of it", () => {
    expect(() => {
      @traced({ only: ["missing"] })
      class Wrong {
        present() {}
      }
      return Wrong;
    }).toThrow(/class Wrong names "missing"/);
  });
});

describe("a decoration that cannot work", () => {
  it("is refused where the decorator is there already", () => {
    expect(() => {
      class Twice {
        @traced()
        @traced()
        work() {}
      }
      return Twice;
    }).toThrow(/@traced on .*work.*: it is there already/);
  });

  it("is refused where the class carries the decorator already", () => {
    expect(() => {
      @traced()
      @traced({ tag: "again" })
      class Twice {
        work() {}
      }
      return Twice;
    }).toThrow(/@traced on Twice\.work: it is there already/);
  });

  it("is refused where two decorators give one setting", () => {
    const settingOf = (name: string) =>
      createMethodDecorator<{ limit?: number }>({
        name,
        schema: { type: "object", properties: { limit: { type: "number" } } },
        serves: { sync: true },
        settings: ({ limit }) => (limit === undefined ? [] : ["limit"]),
        parts: [],
      });
    const bounded = settingOf("bounded");
    const guarded = settingOf("guarded");
    expect(() => {
      class Clash {
        @bounded({ limit: 1 })
        @guarded({ limit: 2 })
        work() {}
      }
      return Clash;
    }).toThrow(/"limit" is given by @guarded already/);
    class Fine {
      @bounded({ limit: 1 })
      @guarded()
      work() {}
    }
    expect(Fine).toBeDefined();
  });

  it("is refused without parentheses", () => {
    const bare = traced as any;
    expect(() => {
      class Bare {
        @bare
        work() {}
      }
      return Bare;
    }).toThrow(/used without parentheses. Write `@traced\(\)`/);
    expect(() => {
      @bare
      class Bare {}
      return Bare;
    }).toThrow(/without parentheses/);
  });

  it("is refused for accessors", () => {
    const any = traced() as any;
    expect(() => {
      class Accessor {
        @any
        get value() {
          return 1;
        }
      }
      return Accessor;
    }).toThrow(/@traced on .*value: it decorates methods and classes/);
  });

  it("is refused with an unknown option, which names the method, the value and the nearest", () => {
    expect(() => {
      class Misspelt {
        @traced({ tagg: "x" } as object)
        work() {}
      }
      return Misspelt;
    }).toThrow(
      /^@traced on (Misspelt\.|the method )work is given wrong options:\n {2}tagg: unknown key, received "x"\. Did you mean "tag"\?$/,
    );
    expect(() => {
      class Misspelt {
        @traced("text" as never)
        static work() {}
      }
      return Misspelt;
    }).toThrow(
      /^@traced on (Misspelt\.static\.|the static method )work is given wrong options:\n {2}expected an object of options, received "text"$/,
    );
    expect(() => {
      @traced({ tagg: "x" } as object)
      class Misspelt {}
      return Misspelt;
    }).toThrow(/^@traced on the class Misspelt is given wrong options/);
  });

  it("is refused with what it was given, save for secrets", () => {
    const given = { password: "hunter2", url: "redis://app:hunter2@host", tag: { token: "s3cr3t" } };
    expect(() => {
      class Misspelt {
        @traced(given as never)
        work() {}
      }
      return Misspelt;
    }).toThrow(
      expect.objectContaining({
        code: "MLMCP_ADVICE_OPTIONS",
        message: expect.stringMatching(/^(?![^]*(hunter2|s3cr3t))[^]*redis:\/\/app:\[secret\]@host/),
      }),
    );
  });

  it("is refused with what it was given where a kernel wraps a function", async () => {
    await using kernel = await createTestKernel({ plugins: [pluginOf(traced)] });
    const given = { traced: { tagg: "redis://app:hunter2@host" } } as object;
    expect(() => kernel.wrap(async () => 1, { name: "load", ...given })).toThrow(
      'kernel.wrap() of "load" is given wrong options:\n  traced.tagg: unknown key, received "redis://app:[secret]@host". Did you mean "tag"?',
    );
  });

  it("is refused with two names", () => {
    expect(() => {
      class Named {
        @traced({ name: "a" })
        @other({ name: "b" })
        work() {}
      }
      return Named;
    }).toThrow(/two names, "b" and "a"/);
  });

  it("is refused for `only` on a method", () => {
    expect(() => {
      class OnMethod {
        @traced({ only: ["work"] })
        work() {}
      }
      return OnMethod;
    }).toThrow(/`only` and `except` are for use on a class/);
  });

  it("is refused for an async-only decorator on a synchronous generator", () => {
    const deferred = asyncOnly() as () => any;
    expect(() => {
      class Generating {
        @deferred()
        *work() {
          yield 1;
        }
      }
      return Generating;
    }).toThrow(
      /on (Generating\.work|work \([^)]*decorating\.modes\.test\.ts:\d+\)): it cannot serve a synchronous generator/,
    );
  });

  it("is refused for an async iterable under advice that cannot serve one", () => {
    const deferred = asyncOnly() as () => any;
    expect(() => {
      class Streaming {
        @deferred()
        async *work() {
          yield 1;
        }
      }
      return Streaming;
    }).toThrow(/cannot serve a method that returns an async iterable/);
  });
});
