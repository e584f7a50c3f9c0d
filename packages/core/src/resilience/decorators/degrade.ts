import { createMethodDecorator } from "../../operations/decorator.js";
import type { AnyFunction, DecorationOptions } from "../../operations/decorator-types.js";
import type { Advice } from "../../plugin.js";
import { fallbackProblem } from "../fallback/fallback.js";
import { breakerProblem } from "../options/breaker.js";
import { degradeSchema, effective, settingsOf, type DegradeOptions } from "../options/degrade.js";
import { bulkheadPart } from "./bulkhead.js";
import { afterBreaker } from "./degrade-breaker.js";
import { afterFallback } from "./degrade-fallback.js";
import { timeLimitPart } from "./timeout.js";

/**
 * Keeps an answer coming while the method fails: a fallback answers in its place, and after
 * some failures a breaker stops calling it for a while.
 *
 * The fallback stands outside retries and runs once, after they are spent. Unless `when` asks for
 * them, it does not run for errors of validation, a wrong configuration, a missing kernel or a
 * method that was cancelled; it never runs for a caller who has given up. What it throws itself
 * reaches the caller as it is. The breaker stands inside retries, so that every attempt passes
 * it. It counts what the method throws except the same errors and what limits reject;
 * `CircuitBreakers` lists and moves the breakers of a kernel. `timeout`, `deadline` and `bulkhead`
 * are those of `@timeout` and `@bulkhead`, which may not stand beside them.
 *
 * ```ts
 * class Delays {
 *   @degrade({ fallback: "sample", breaker: { failureRate: 0.5, window: "30s", resetAfter: "10s" } })
 *   async byAirport(code: string) { return this.database.query(code); }
 *
 *   async sample(code: string) { return this.lastKnown.get(code); }
 * }
 * ```
 */
export const degrade = createMethodDecorator<DegradeOptions>({
  name: "degrade",
  schema: degradeSchema,
  serves: { streams: true },
  context: true,
  settings: settingsOf,
  check(options, operation) {
    const { fallback, breaker } = effective(options);
    return (
      (fallback === undefined ? undefined : fallbackProblem(fallback, operation)) ??
      (breaker === false ? undefined : breakerProblem(breaker))
    );
  },
  parts: [
    { at: "fallback", when: ({ fallback }) => fallback !== undefined, after: afterFallback },
    timeLimitPart("deadline", (options) => effective(options).deadline || undefined),
    { at: "breaker", when: ({ breaker }) => breaker !== false, after: afterBreaker },
    timeLimitPart("timeout", (options) => effective(options).timeout || undefined),
    bulkheadPart((options) => effective(options).bulkhead || undefined),
  ],
}) as DegradeDecorator;

/** What of a class a fallback's name asks for; nothing where the name is not known to the compiler. */
type HasMethod<Name extends string> = [Exclude<Name, "stale">] extends [never]
  ? unknown
  : string extends Name
    ? unknown
    : { readonly [Key in Name]: AnyFunction };

type Served = PromiseLike<unknown> | AsyncIterable<unknown>;

/** `@degrade()`, which stands only where the object has the method that its fallback names. */
export interface DegradeDecorator {
  <Name extends string = never>(
    options?: DegradeOptions<Name> & DecorationOptions,
  ): DecoratorBesides<HasMethod<Name>>;
  readonly advice: Advice<DegradeOptions>;
}

/** As `OperationDecorator`, on an object (a class itself for statics) that has certain methods. */
interface DecoratorBesides<Owner> {
  // Classes first: of an error a compiler may show what the last overload says alone.
  <Class extends abstract new (...args: any[]) => Owner>(
    target: Class,
    context: ClassDecoratorContext<Class>,
  ): void;
  <Class extends abstract new (...args: any[]) => Owner>(target: Class): void;
  <This extends Owner, Method extends (...args: any[]) => Served>(
    method: Method,
    context: ClassMethodDecoratorContext<This, Method>,
  ): void;
  <This extends Owner & object, Method extends (...args: any[]) => Served>(
    target: This,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
}
