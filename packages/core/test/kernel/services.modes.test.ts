import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  ConfigurationError,
  createMethodDecorator,
  definePlugin,
  service,
  type Kernel,
  type Token,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { container as root, delay } from "tsyringe";
import { describe, expect, it } from "vitest";

@service()
class Database {
  readonly rows = ["row"];
}

@service([Database, "greeting"])
class Reports {
  constructor(
    readonly database: Database,
    readonly greeting: string,
  ) {}
}

@service()
class WithStatic {
  static inject = [Database];
  constructor(readonly database: Database) {}
}

describe("kernel.resolve()", () => {
  it("constructs a service with what it names, once for each kernel", async () => {
    const services = [["greeting", "hello"]] as const;
    await using a = await createTestKernel({ services });
    await using b = await createTestKernel({ services });
    expect(a.resolve(Reports).greeting).toBe("hello");
    expect(a.resolve(Reports).database.rows).toEqual(["row"]);
    expect(a.resolve(Reports)).toBe(a.resolve(Reports));
    expect(a.resolve(Reports).database).toBe(a.resolve(Database));
    expect(a.resolve(Reports)).not.toBe(b.resolve(Reports));
  });

  it("reads `static inject`", async () => {
    await using kernel = await createTestKernel();
    expect(kernel.resolve(WithStatic).database).toBe(kernel.resolve(Database));
  });

  it("takes values, classes and factories that plugins register", async () => {
    const TOKEN: Token<Date> = Symbol("date");
    let made = 0;
    class Impl {
      readonly kind = "impl";
    }
    abstract class Interface {
      abstract readonly kind: string;
    }
    const plugin = definePlugin({
      name: "services",
      register({ services }) {
        services.value("value", 7);
        services.class(Interface, Impl);
        services.factory(TOKEN, (resolve) => {
          made++;
          return new Date(resolve<number>("value"));
        });
      },
    });
    await using kernel = await createTestKernel({ plugins: [plugin] });
    expect(kernel.resolve<Date>(TOKEN).getTime()).toBe(7);
    expect(kernel.resolve(TOKEN)).toBe(kernel.resolve(TOKEN));
    expect(made).toBe(1);
    expect(kernel.resolve(Interface)).toBeInstanceOf(Impl);
    expect(kernel.resolve(Interface)).toBe(kernel.resolve(Interface));
  });

  it("knows which services there are", async () => {
    @service()
    class Known {}
    class Unknown {}
    await using kernel = await createTestKernel();
    kernel.services.value("value", undefined);
    const tokens = [Known, Unknown, "value", "other", Symbol("none")];
    expect(tokens.map((token) => kernel.services.has(token))).toEqual([true, false, true, false, false]);
  });

  it("sees what a tsyringe container of the application holds", async () => {
    const own = root.createChildContainer();
    own.register("from outside", { useValue: "outside" });
    await using kernel = await createTestKernel({ container: own });
    expect(kernel.resolve("from outside")).toBe("outside");
  });

  it("says which token nobody registered, and who asks for it", async () => {
    await using kernel = await createTestKernel();
    expect(() => kernel.resolve(Reports)).toThrow(
      /No service is registered as greeting, which Reports asks for/,
    );
    expect(() => kernel.resolve(Symbol("gone"))).toThrow(/No service is registered as Symbol\(gone\)\./);
    expect(() => kernel.resolve(Reports)).toThrow(ConfigurationError);
  });

  it("says what a constructor lacks", async () => {
    @service([Database])
    class TooFew {
      constructor(
        readonly database: Database,
        readonly text: string,
      ) {}
    }
    await using kernel = await createTestKernel();
    expect(() => kernel.resolve(TooFew)).toThrow(
      /The constructor of TooFew takes 2 parameters, but only 1 are named/,
    );
  });

  it("constructs a class without a constructor of its own as its parent is", async () => {
    class Undecorated extends Reports {}
    @service()
    class Decorated extends WithStatic {}
    class Explicit extends WithStatic {
      constructor() {
        super(new Database());
      }
    }
    await using kernel = await createTestKernel({ services: [["greeting", "hello"]] });
    expect(kernel.resolve(Undecorated)).toMatchObject({
      database: kernel.resolve(Database),
      greeting: "hello",
    });
    expect(kernel.resolve(Decorated).database).toBe(kernel.resolve(Database));
    expect(kernel.resolve(Explicit).database).not.toBe(kernel.resolve(Database));
  });

  it("says what to do for a class that takes parameters and is no service", async () => {
    class Plain {
      constructor(readonly database: Database) {}
    }
    @service([Plain])
    class Needs {
      constructor(readonly plain: Plain) {}
    }
    await using kernel = await createTestKernel();
    expect(() => kernel.resolve(Plain)).toThrow(
      /The constructor of Plain takes 1 parameter\(s\), but nothing says/,
    );
    expect(() => kernel.resolve(Needs)).toThrow(/The constructor of Plain takes 1 parameter\(s\)/);
  });

  it("refuses @service without parentheses", () => {
    const bare = service as any;
    expect(() => {
      @bare
      class Bare {}
      return Bare;
    }).toThrow(/@service was used without parentheses/);
  });

  it("names a circle of services", async () => {
    @service(["b"])
    class A {
      constructor(readonly b: unknown) {}
    }
    @service(["a"])
    class B {
      constructor(readonly a: unknown) {}
    }
    const plugin = definePlugin({
      name: "circle",
      register({ services }) {
        services.class("a", A);
        services.class("b", B);
      },
    });
    await using kernel = await createTestKernel({ plugins: [plugin] });
    expect(() => kernel.resolve(A)).toThrow(/in a circle: A → B → A/);
    expect(() => kernel.resolve(A)).toThrow(/in a circle: A → B → A/);
  });

  it("names a circle of factories", async () => {
    const plugin = definePlugin({
      name: "circle",
      register({ services }) {
        services.factory("a", (resolve) => ({ b: resolve("b") }));
        services.factory(Symbol.for("b"), (resolve) => ({ a: resolve("a") }));
        services.factory("b", (resolve) => resolve(Symbol.for("b")));
      },
    });
    await using kernel = await createTestKernel({ plugins: [plugin] });
    for (let time = 0; time < 2; time++) {
      expect(() => kernel.resolve("a")).toThrow(/in a circle: a → b → Symbol\(b\) → a/);
    }
  });

  it("sees a circle also behind a constructor that resolves something itself", async () => {
    const created: Kernel[] = [];
    @service(["second"])
    class Second {
      constructor(readonly again: unknown) {}
    }
    const plugin = definePlugin({
      name: "circle",
      register({ services }) {
        services.factory("first", (resolve) => {
          const [own] = created;
          own!.resolve(Database);
          expect(() => own!.resolve("gone")).toThrow(/as gone, which first asks for/);
          return resolve("second");
        });
        services.class("second", Second);
      },
    });
    await using kernel = await createTestKernel({ plugins: [plugin] });
    created.push(kernel);
    expect(() => kernel.resolve("first")).toThrow(/in a circle: first → Second → Second/);
  });

  it("does not construct early what is delayed", async () => {
    const made: string[] = [];
    @service([delay(() => Later) as never])
    class Sooner {
      constructor(readonly later: { name: string; sooner: unknown }) {
        made.push("sooner");
      }
    }
    @service([Sooner])
    class Later {
      readonly name = "later";
      constructor(readonly sooner: Sooner) {
        made.push("later");
      }
      dispose() {
        made.push("disposed");
      }
    }
    const kernel = await createTestKernel();
    const sooner = kernel.resolve(Sooner);
    expect(made).toEqual(["sooner"]);
    expect(sooner.later.name).toBe("later");
    expect(sooner.later.sooner).toBe(sooner);
    await kernel.stop();
    expect(made).toEqual(["sooner", "later", "disposed"]);
  });

  it("lets the error of a constructor through as it is", async () => {
    const error = new Error("no database");
    @service()
    class Failing {
      constructor() {
        throw error;
      }
    }
    @service([Failing])
    class NeedsIt {
      constructor(readonly failing: Failing) {}
    }
    await using kernel = await createTestKernel();
    expect(() => kernel.resolve(NeedsIt)).toThrow(error);
  });
});

describe("a kernel that stops", () => {
  it("disposes of what it constructed, last first, once, and of nothing else", async () => {
    const trace: string[] = [];
    const disposable = (name: string, dispose: object) => {
      @service()
      class Disposable {
        readonly name = name;
      }
      return Object.assign(Disposable.prototype, dispose).constructor as unknown as new () => object;
    };
    const First = disposable("first", { dispose: () => trace.push("first") });
    const Second = disposable("second", { [Symbol.dispose]: () => trace.push("second") });
    const Third = disposable("third", {
      async [Symbol.asyncDispose]() {
        await Promise.resolve();
        trace.push("third");
      },
    });
    const foreign = { dispose: () => trace.push("foreign") };
    const kernel = await createTestKernel({ services: [["foreign", foreign]] });
    for (const type of [First, Second, Third]) kernel.resolve(type);
    kernel.resolve("foreign");
    await kernel.stop();
    await kernel.stop();
    expect(trace).toEqual(["third", "second", "first"]);
  });

  it("goes on where a disposal fails, and reports it", async () => {
    const trace: string[] = [];
    @service()
    class Good {
      dispose() {
        trace.push("good");
      }
    }
    @service()
    class Bad {
      dispose() {
        throw new Error("cannot close");
      }
    }
    const kernel = await createTestKernel();
    kernel.resolve(Good);
    kernel.resolve(Bad);
    await expect(kernel.stop()).rejects.toMatchObject({ errors: [new Error("cannot close")] });
    expect(trace).toEqual(["good"]);
  });

  it("disposes once of what several services hand on, and never of what it was given", async () => {
    const trace: string[] = [];
    @service()
    class Connection {
      dispose() {
        trace.push("connection");
      }
    }
    const given = { dispose: () => trace.push("given") };
    const kernel = await createTestKernel({ services: [["given", given]] });
    kernel.services.factory("alias", (resolve) => resolve(Connection));
    kernel.services.factory("alias of the given", (resolve) => resolve("given"));
    kernel.services.factory("made", () => ({ dispose: () => trace.push("made") }));
    for (const token of ["alias", "made", "alias of the given", "alias"]) kernel.resolve(token);
    await kernel.stop();
    expect(trace).toEqual(["made", "connection"]);
  });

  it("leaves alone what a container of the application holds, with all that was made for it", async () => {
    const trace: string[] = [];
    class Pool {
      dispose() {
        trace.push("pool");
      }
    }
    class Shared {
      static inject = [Pool];
      constructor(readonly pool: Pool) {}
      dispose() {
        trace.push("shared");
      }
    }
    @service([Shared, Pool])
    class Own {
      constructor(
        readonly shared: Shared,
        readonly pool: Pool,
      ) {}
      dispose() {
        trace.push("own");
      }
    }
    const container = root.createChildContainer();
    container.registerSingleton(Shared);
    const first = await createTestKernel({ container });
    const second = await createTestKernel({ container });
    expect(first.resolve(Own).shared).toBe(second.resolve(Own).shared);
    await first.stop();
    expect(trace).toEqual(["own", "pool"]);
    await second.stop();
    expect(trace).toEqual(["own", "pool", "own", "pool"]);
  });

  it("keeps no object that needs no disposal", async () => {
    class Transient {
      readonly payload = "x";
    }
    await using kernel = await createTestKernel();
    const gone = await collected(() => kernel.resolve(Transient));
    expect(gone).toBe(true);
  });
});

describe("an object that was given to several kernels", () => {
  /** Answers with the name of the kernel that a method runs in. */
  const named = createMethodDecorator({
    name: "named",
    schema: { type: "object" },
    serves: { sync: true },
    parts: [{ at: "cache", around: (_, binding) => () => binding.resolve("name") }],
  });
  class Subject {
    @named()
    kernel(): string {
      return "none";
    }
  }
  const start = (name: string, subject: Subject) =>
    createTestKernel({
      plugins: [definePlugin({ name: "named", decorators: [named] })],
      services: [
        ["name", name],
        [Subject, subject],
      ],
    });

  it("runs in the first that resolves it, until that stops", async () => {
    const subject = new Subject();
    const first = await start("first", subject);
    await using second = await start("second", subject);
    await using third = await start("third", subject);
    expect(() => subject.kernel()).toThrow(/nothing says which of them is meant/);
    expect(first.resolve(Subject).kernel()).toBe("first");
    expect(second.resolve(Subject).kernel()).toBe("first");
    await first.stop();
    expect(third.resolve(Subject).kernel()).toBe("third");
  });

  it("stays with the kernel that adopted it, also after it was resolved in another", async () => {
    const subject = new Subject();
    await using owner = await start("owner", new Subject());
    const other = await start("other", subject);
    owner.adopt(subject);
    expect(other.resolve(Subject).kernel()).toBe("owner");
    await other.stop();
    expect(subject.kernel()).toBe("owner");
  });
});

/** Whether what a function makes can be collected once nobody else holds it. */
async function collected(make: () => object): Promise<boolean> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const ref = new WeakRef(make());
  for (let round = 0; round < 20 && ref.deref(); round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return ref.deref() === undefined;
}
