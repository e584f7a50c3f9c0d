import { InputValidator, validated, type Validation } from "@mlmcp/plugin-validate";
import { expectTypeOf, test } from "vitest";

test("@validated keeps the types of methods, whatever they return", () => {
  class Service {
    @validated({ args: [{ type: "string" }, true, false], returns: true, coerce: true, mode: "warn" })
    async later(text: string): Promise<number> {
      return text.length;
    }
    @validated({ args: [{ type: "string", optional: true }] as const })
    now<T extends string>(text?: T): T | undefined {
      return text;
    }
    @validated({ args: [] })
    async *items(): AsyncGenerator<number> {
      yield 1;
    }
  }
  expectTypeOf<Service["later"]>().toEqualTypeOf<(text: string) => Promise<number>>();
  expectTypeOf<Service["now"]>().toEqualTypeOf<<T extends string>(text?: T) => T | undefined>();
});

test("options that do not exist, or have another type, do not compile", () => {
  // @ts-expect-error there is no such mode
  expectTypeOf(validated({ args: [], mode: "ignore" })).toBeFunction();
  // @ts-expect-error a schema is an object or a boolean
  expectTypeOf(validated({ args: ["string"] })).toBeFunction();
  // @ts-expect-error a list of schemas, not one
  expectTypeOf(validated({ args: { type: "string" } })).toBeFunction();
  // @ts-expect-error no such option
  expectTypeOf(validated({ args: [], strict: true })).toBeFunction();
  // @ts-expect-error it has no shorthand
  expectTypeOf(validated("string")).toBeFunction();
});

test("a validator narrows", () => {
  const validator = new InputValidator();
  const port = validator.validateParameter("port", "80" as unknown, "integer", { min: 1 });
  expectTypeOf(port).toEqualTypeOf<Validation<number>>();
  if (port.ok) expectTypeOf(port.value).toEqualTypeOf<number>();
  else expectTypeOf(port.value).toEqualTypeOf<unknown>();
  expectTypeOf(validator.assertParameter("name", "x", "string")).toEqualTypeOf<string>();
  expectTypeOf(validator.assert<{ a: 1 }>({ type: "object" }, {})).toEqualTypeOf<{ a: 1 }>();
  expectTypeOf(validator.assert({ type: "object" }, {})).toEqualTypeOf<unknown>();
  // @ts-expect-error no such type
  validator.assertParameter("name", "x", "text");
});
