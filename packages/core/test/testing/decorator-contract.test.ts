import { createMethodDecorator, definePlugin, type AnyDecorator, type Invoke } from "@mlmcp/core";
import {
  decoratorContract,
  runDecoratorContract,
  type DecoratorRule,
  type DecoratorSubject,
} from "@mlmcp/core/testing";
import { describe, expect, it } from "vitest";

type Around = (next: Invoke) => Invoke;

/** A decorator with one step, and whatever else makes it break a rule. */
function subject(
  around: Around,
  { sync = true, schema = {} }: { sync?: boolean; schema?: object } = {},
): DecoratorSubject {
  const advice = {
    name: "subject",
    schema: { type: "object", properties: {}, ...schema },
    parts: [{ at: "cache" as const, around }],
  };
  const decorator = sync
    ? createMethodDecorator({ ...advice, serves: { sync: true } })
    : createMethodDecorator(advice);
  return { decorator, plugins: [definePlugin({ name: "contract-subject", decorators: [decorator] })] };
}

const after = (result: unknown, change: (value: unknown) => unknown): unknown =>
  result instanceof Promise ? result.then(change) : change(result);

/** A decorator written by hand, past the engine. */
function byHand(
  wrap: (method: (...args: unknown[]) => unknown) => (...args: unknown[]) => unknown,
): DecoratorSubject {
  const { decorator, plugins } = subject((next) => next);
  const apply = (target: unknown, context: unknown, descriptor?: PropertyDescriptor): unknown => {
    if (descriptor) return { ...descriptor, value: wrap(descriptor.value as never) };
    void context;
    return wrap(target as never);
  };
  const handmade = ((options?: { noSuchOption?: unknown }) => {
    decorator(options);
    return apply;
  }) as unknown as AnyDecorator;
  return { decorator: Object.assign(handmade, { advice: decorator.advice }), plugins };
}

const brokenBy: Record<DecoratorRule, () => DecoratorSubject> = {
  result: () =>
    subject(
      (next) => (self, args) =>
        after(next(self, args), (value) => (typeof value === "object" ? { ...value, extra: 1 } : value)),
    ),
  error: () =>
    subject((next) => (self, args) => {
      const result = next(self, args);
      if (!(result instanceof Promise)) return result;
      return result.catch((error: unknown) => {
        throw new Error("wrapped", { cause: error });
      });
    }),
  this: () => subject((next) => (self, args) => next(Object.create(self as object), args)),
  arguments: () =>
    subject(
      (next) =>
        (self, [first]) =>
          next(self, [first]),
    ),
  shape: () =>
    byHand((method) => {
      const { value } = { value: method };
      return function (this: unknown, ...args: unknown[]) {
        return value.apply(this, args);
      };
    }),
  synchronous: () => subject((next) => async (self, args) => next(self, args)),
  concurrency: () => {
    let last: unknown[];
    return subject((next) => (self, args) => {
      last = args;
      const result = next(self, args);
      // State of one call kept where all calls share it.
      return result instanceof Promise && args.length === 1 ? result.then(() => last[0]) : result;
    });
  },
  off: () =>
    byHand((method) =>
      Object.defineProperties(function (this: unknown, ...args: unknown[]) {
        return after(method.apply(this, args), (value) => value) instanceof Promise
          ? method.apply(this, args)
          : Promise.resolve(method.apply(this, args));
      }, Object.getOwnPropertyDescriptors(method)),
    ),
  options: () => subject((next) => next, { schema: { additionalProperties: true } }),
  leftovers: () =>
    subject((next) => {
      const timer = setInterval(() => undefined, 60_000).unref();
      leaked.push(timer);
      return next;
    }),
};

const leaked: NodeJS.Timeout[] = [];

describe("the decorator contract", () => {
  it("has ten rules, in both modes", () => {
    const rules = decoratorContract(subject((next) => next));
    expect(rules).toHaveLength(20);
    expect(new Set(rules.map(({ title }) => title)).size).toBe(20);
    expect(Object.keys(brokenBy).sort()).toEqual([...new Set(rules.map(({ rule }) => rule))].sort());
  });

  it("is kept by a decorator that passes through", async () => {
    await runDecoratorContract(subject((next) => next));
    await runDecoratorContract(subject((next) => next).decorator);
    await runDecoratorContract(subject((next) => async (self, args) => next(self, args), { sync: false }));
  });

  it.each(Object.entries(brokenBy))(
    "notices a decorator that breaks the rule of its %s",
    async (rule, broken) => {
      const rules = decoratorContract(broken()).filter((each) => each.rule === rule);
      expect(rules).toHaveLength(2);
      for (const { run } of rules) await expect(run()).rejects.toThrow();
      for (const timer of leaked.splice(0)) clearInterval(timer);
    },
  );

  it("reports every broken rule, and leaves out those that it is told to", async () => {
    const broken = brokenBy.arguments();
    await expect(runDecoratorContract(broken)).rejects.toThrow(
      /@subject breaks 2 of 20 rules:\n {2}- legacy: hands on every argument in order: the method was given .*\n {2}- standard: hands on/,
    );
    await runDecoratorContract(broken, { except: ["arguments"] });
  });
});
