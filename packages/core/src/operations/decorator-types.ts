import type { Advice } from "../plugin.js";
import type { AnyFunction } from "./operation.js";

/** What the engine itself reads from every decorator's options. */
export interface DecorationOptions {
  /**
   * The operation's id, where the class's own name is minified or repeated. On a class: the
   * name that stands in place of the class's in the ids of its methods.
   */
  readonly name?: string;
  /** On a class: the methods to decorate. Default: all of its own. */
  readonly only?: readonly string[];
  /** On a class: the methods to leave alone. */
  readonly except?: readonly string[];
}

type AnyClass = abstract new (...args: any[]) => unknown;

/**
 * A decorator for a method whose result is assignable to `Result`, or for a class. One function
 * serves legacy decorators (`experimentalDecorators`) and standard ones.
 */
export interface OperationDecorator<Result = unknown> {
  // Classes first: of an error a compiler may show what the last overload says alone.
  <Class extends AnyClass>(target: Class, context: ClassDecoratorContext<Class>): void;
  <Class extends AnyClass>(target: Class): void;
  <Method extends (this: any, ...args: any[]) => Result>(
    method: Method,
    context: ClassMethodDecoratorContext<any, Method>,
  ): void;
  <Method extends (this: any, ...args: any[]) => Result>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
}

/** What `createMethodDecorator` returns: the function that is called with the options. */
export interface MethodDecorator<Options extends object, Shorthand = never, Result = unknown> {
  (options?: Shorthand | (Options & DecorationOptions)): OperationDecorator<Result>;
  readonly advice: Advice<Options, Shorthand>;
}

/** Any decorator of a plugin. */
export interface AnyDecorator {
  (options?: any): OperationDecorator<any>;
  readonly advice: Advice;
}

export type { AnyClass, AnyFunction };
