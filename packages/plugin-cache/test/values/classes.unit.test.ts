import { ConfigurationError, isMlmcpError, ValidationError } from "@mlmcp/core";
import { cacheable } from "@mlmcp/plugin-cache";
import { afterAll, describe, expect, it } from "vitest";
import { deserializeSnapshot, serializeSnapshot } from "./awaited.js";
import { UnreadableError } from "../../src/values/marks.js";
import { copyOf, takeSnapshot } from "../../src/values/snapshot.js";

class Money {
  readonly #amount: bigint;
  static made = 0;
  constructor(
    amount: bigint,
    readonly currency: string,
  ) {
    this.#amount = amount;
    Money.made++;
  }
  get amount(): bigint {
    return this.#amount;
  }
  static {
    cacheable(Money, {
      id: "test/Money",
      encode: (money) => [money.#amount, money.currency] as const,
      decode: ([amount, currency]) => new Money(amount, currency),
    });
  }
}

class Basket {
  constructor(readonly items: Map<string, Money>) {}
}
cacheable(Basket, {
  id: "test/Basket",
  encode: ({ items }) => items,
  decode: (items) => new Basket(items),
});

class OutOfStock extends Error {
  override readonly name = "OutOfStock";
  constructor(
    readonly item: string,
    readonly price: Money,
  ) {
    super(`no ${item} left`);
  }
}
cacheable(OutOfStock, { id: "test/OutOfStock" });

const stored = async (value: unknown): Promise<Buffer> => serializeSnapshot(takeSnapshot(value));
const fromStore = async (bytes: Buffer): Promise<unknown> => copyOf(await deserializeSnapshot(bytes));

describe("instances of registered classes", () => {
  it("come back as instances, from memory and from a store, each taker with its own", async () => {
    const basket = new Basket(new Map([["pen", new Money(250n, "EUR")]]));
    const snapshot = takeSnapshot([basket]);
    const bytes = await serializeSnapshot(snapshot);
    const takers = [copyOf(snapshot), copyOf(snapshot), await fromStore(bytes), await fromStore(bytes)] as [
      Basket,
    ][];
    for (const [copy] of takers) {
      expect(copy).toBeInstanceOf(Basket);
      expect(copy.items.get("pen")).toBeInstanceOf(Money);
      expect(copy.items.get("pen")!.amount).toBe(250n);
      copy.items.clear();
    }
    expect(new Set(takers.map(([copy]) => copy)).size).toBe(4);
    basket.items.clear();
    expect((copyOf(snapshot) as [Basket])[0].items.size).toBe(1);
  });

  it("stay one where a value holds one instance twice", async () => {
    const price = new Money(1n, "EUR");
    const value = { now: price, before: [price] };
    for (const back of [copyOf(takeSnapshot(value)), await fromStore(await stored(value))]) {
      const { now, before } = back as typeof value;
      expect(now).not.toBe(price);
      expect(before[0]).toBe(now);
    }
  });

  it("of Error need an id alone, and their constructor does not run", async () => {
    const error = new OutOfStock("pen", new Money(3n, "EUR"));
    const back = (await fromStore(await stored(error))) as OutOfStock;
    expect(back).toBeInstanceOf(OutOfStock);
    expect(back).toMatchObject({ message: "no pen left", item: "pen", stack: error.stack });
    expect(back.price.amount).toBe(3n);
  });

  it("are the framework's own errors as well", async () => {
    const error = new ValidationError("rows is 0; expected at least 1", {
      context: { issues: [{ path: "rows", message: "too few" }] },
      suggestions: ["Give at least one row."],
      cause: new RangeError("0"),
    });
    for (const back of [copyOf(takeSnapshot(error)), await fromStore(await stored(error))]) {
      expect(back).toBeInstanceOf(ValidationError);
      expect(isMlmcpError(back)).toBe(true);
      expect((back as ValidationError).toJSON()).toEqual(error.toJSON());
      expect((back as ValidationError).toPublicJSON()).toEqual(error.toPublicJSON());
      expect((back as ValidationError).cause).toBeInstanceOf(RangeError);
    }
  });

  it("are refused where they hold themselves", () => {
    class Circle {
      self: unknown = this;
    }
    cacheable(Circle, { id: "test/Circle", encode: ({ self }) => ({ self }), decode: () => new Circle() });
    expect(() => takeSnapshot({ at: [new Circle()] })).toThrow(
      "the value's .at[0].self is a cycle through an instance of Circle",
    );
  });

  it("are refused where `decode` gives something else, and where a subclass has no id of its own", () => {
    class Odd {}
    cacheable(Odd, { id: "test/Odd", encode: () => 1, decode: () => new Money(1n, "EUR") });
    expect(() => takeSnapshot([new Odd()])).toThrow(
      "the value's [0] is an instance of Odd, for which `decode` gives an instance of Money",
    );
    class Euro extends Money {}
    expect(() => takeSnapshot(new Euro(1n, "EUR"))).toThrow("the value is an instance of Euro");
  });

  it("are unreadable where their class is not known, or cannot be made again", async () => {
    const bytes = await stored(new Money(1n, "EUR"));
    const renamed = Buffer.from(bytes.toString("latin1").replace("test/Money", "test/Gone!"), "latin1");
    await expect(deserializeSnapshot(renamed)).rejects.toThrow(UnreadableError);
    await expect(deserializeSnapshot(renamed)).rejects.toThrow(
      'the entry holds an instance of "test/Gone!", for which this process has no `cacheable` class',
    );
    let broken = false;
    class Picky {}
    const decode = (): Picky => {
      if (broken) throw new TypeError("not today");
      return new Picky();
    };
    cacheable(Picky, { id: "test/Picky", encode: () => 1, decode });
    const picky = await stored(new Picky());
    broken = true;
    const refusal = deserializeSnapshot(picky);
    await expect(refusal).rejects.toThrow(UnreadableError);
    await expect(refusal).rejects.toThrow("cannot be made a value again (TypeError: not today)");
  });
});

describe("cacheable", () => {
  it("refuses an id that another class has, and takes a class that was loaded anew", () => {
    const make = () => class Reloaded {};
    const [First, Second] = [make(), make()];
    const parts = { id: "test/Reloaded", encode: () => 0 };
    cacheable(First, { ...parts, decode: () => new First() });
    cacheable(Second, { ...parts, decode: () => new Second() });
    expect(copyOf(takeSnapshot(new Second()))).toBeInstanceOf(Second);
    class Other {}
    const attempt = (): void => cacheable(Other, { ...parts, decode: () => new Other() });
    expect(attempt).toThrow(ConfigurationError);
    expect(attempt).toThrow(
      'cacheable(Other, …) has the id "test/Reloaded", which belongs to the class Reloaded. Give each class an id of its own.',
    );
  });

  it("asks for `encode` and `decode` where the class is no Error", () => {
    class Plain {}
    const attempt = (): void => cacheable(Plain as unknown as typeof Error, { id: "test/Plain" });
    expect(attempt).toThrow("cacheable(Plain, …) needs `encode` and `decode`");
  });

  it("gives `encode` what the class holds privately, and runs its constructor only in `decode`", async () => {
    const before = Money.made;
    const snapshot = takeSnapshot(new Money(9n, "EUR"));
    expect(Money.made).toBe(before + 2);
    copyOf(snapshot);
    expect(Money.made).toBe(before + 3);
  });
});

afterAll(() => void [Money, Basket, OutOfStock]);
