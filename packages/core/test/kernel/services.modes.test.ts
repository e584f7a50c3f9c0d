import { ConfigurationError, definePlugin, service, type Token } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { container as root } from "tsyringe";
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
});
