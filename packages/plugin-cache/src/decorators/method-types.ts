import type { ArgumentLists, KeyFunction } from "../options/functions.js";

// The types of methods and of their parameters pass through; `unknown` would refuse them.
// oxlint-disable-next-line typescript/no-explicit-any
type Any = any;

/** A method that a decorator of this package can serve. */
export type AsyncMethod = (this: Any, ...args: Any[]) => PromiseLike<unknown>;
type AnyFunction = (...args: Any[]) => unknown;
export type AnyClass = abstract new (...args: Any[]) => unknown;

/** What the compiler shows where the functions among the options do not fit the method. */
export interface DoesNotFit<Message extends string> {
  readonly "the options do not fit the method": Message;
}

/** A decorator for methods that return promises and that `Fit` accepts, and for classes; legacy and standard. */
export interface MethodDecoration<Functions> {
  // Classes first: of an error a compiler may show what the last overload says alone.
  <Class extends AnyClass>(target: Class, context: ClassDecoratorContext<Class>): void;
  <Class extends AnyClass>(target: Class): void;
  <Method extends AsyncMethod>(
    method: Method & Fits<Method, Functions>,
    context: ClassMethodDecoratorContext<Any, Method>,
  ): void;
  <Method extends AsyncMethod>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method> & Fits<Method, Functions>,
  ): void;
}

/** The functions among a decorator's options, by what they are given. */
export interface OptionFunctions {
  /** The method's arguments. */
  readonly ofArguments?: KeyFunction;
  /** The method's result and its arguments. */
  readonly ofResult?: (result: Any, args: Any) => unknown;
  /** The same, before there is a result. */
  readonly ofBoth?: (result: Any, args: Any) => unknown;
  /** Lists of arguments. */
  readonly lists?: ArgumentLists;
}

/** Anything for a method that all functions fit: each may name fewer parameters than it has. */
type Fits<Method extends AsyncMethod, Functions> = Functions extends OptionFunctions
  ? false extends TakesArguments<Method, Functions["ofArguments"]>
    ? DoesNotFit<"`key` or `files` do not take the method's arguments">
    : false extends GivesKey<Functions["ofArguments"]>
      ? DoesNotFit<"`key` gives a promise, a function or a symbol, which cannot be a key">
      : false extends TakesResult<Method, Functions["ofResult"], never>
        ? DoesNotFit<"`when`, `ttl` or `key` do not take what the method returns, and its arguments">
        : false extends TakesResult<Method, Functions["ofBoth"], undefined>
          ? DoesNotFit<"`tags` does not take what the method returns, or undefined before it has run, and its arguments">
          : false extends AreArguments<Method, Functions["lists"]>
            ? DoesNotFit<"`warm` does not give the method's arguments">
            : unknown
  : never;

/** Whether what a function gives may be a key, as far as a type tells. */
type GivesKey<Fn> = Fn extends (...args: Any[]) => infer Given
  ? 0 extends 1 & Given
    ? true
    : Given extends PromiseLike<unknown> | AnyFunction | symbol
      ? false
      : true
  : true;

type TakesArguments<Method extends AsyncMethod, Fn> = Fn extends (...args: infer Args) => unknown
  ? Accepts<Parameters<Method>, Args>
  : true;

type TakesResult<Method extends AsyncMethod, Fn, Missing> = Fn extends (
  result: infer Result,
  args: infer Args,
) => unknown
  ? [Awaited<ReturnType<Method>> | Missing] extends [Result]
    ? Accepts<Parameters<Method>, Args>
    : false
  : true;

/** Whether a call with these arguments has what is asked for; `any` and `unknown` ask for nothing. */
type Accepts<Given extends Any[], Args> = unknown extends Args
  ? true
  : Args extends readonly Any[]
    ? Given extends [...Args, ...Any[]]
      ? true
      : false
    : false;

/** Of lists whose length the compiler knows. */
type AreArguments<Method extends AsyncMethod, Lists> = Lists extends readonly (infer List)[]
  ? IsArguments<Parameters<Method>, List>
  : true;

type IsArguments<Given extends Any[], List> = List extends readonly unknown[]
  ? number extends List["length"]
    ? true
    : List extends Readonly<Given>
      ? true
      : false
  : true;
