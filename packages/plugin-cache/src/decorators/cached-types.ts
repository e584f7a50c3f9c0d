type AnyClass = abstract new (...args: any[]) => unknown;
type AsyncMethod = (this: any, ...args: any[]) => PromiseLike<unknown>;

/** What the compiler shows where the functions among the options do not fit the method. */
interface DoesNotFit<Message extends string> {
  readonly "@cached": Message;
}

/**
 * Anything for a method that the options' functions fit: each may name fewer parameters than it
 * has. `Args` is the union of what they take.
 */
type Fits<Method extends AsyncMethod, Args extends any[], Result> = false extends Accepts<Parameters<Method>, Args>
  ? DoesNotFit<"`key`, `files` or `when` do not take the method's arguments">
  : Awaited<ReturnType<Method>> extends Result
    ? unknown
    : DoesNotFit<"`when` does not take what the method returns">;

type Accepts<Given extends any[], Args extends any[]> = Args extends any[] ? (Given extends [...Args, ...any[]] ? true : false) : never;

/** A decorator for methods that return promises, and for classes; legacy and standard. */
export interface CachedDecoration<Args extends any[] = any[], Result = any> {
  <Method extends AsyncMethod>(
    method: Method & Fits<Method, Args, Result>,
    context: ClassMethodDecoratorContext<any, Method>,
  ): void;
  <Method extends AsyncMethod>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method> & Fits<Method, Args, Result>,
  ): void;
  <Class extends AnyClass>(target: Class, context: ClassDecoratorContext<Class>): void;
  <Class extends AnyClass>(target: Class): void;
}
