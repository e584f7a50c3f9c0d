// The types of methods and of their parameters pass through; `unknown` would refuse them.
// oxlint-disable-next-line typescript/no-explicit-any
type Any = any;

/** The parameters that a function among the options takes, where nobody has said which. */
export type AnyParameters = Any[];
/** A method's result, where nobody has said what it is. */
export type AnyResult = Any;

type AnyClass = abstract new (...args: AnyParameters) => unknown;
type AsyncMethod = (this: Any, ...args: AnyParameters) => PromiseLike<unknown>;

/** What the compiler shows where the functions among the options do not fit the method. */
interface DoesNotFit<Message extends string> {
  readonly "@cached": Message;
}

/**
 * Anything for a method that the options' functions fit: each may name fewer parameters than it
 * has. `Args` is the union of what they take.
 */
type Fits<Method extends AsyncMethod, Args extends AnyParameters, Result> =
  false extends Accepts<Parameters<Method>, Args>
    ? DoesNotFit<"`key`, `files` or `when` do not take the method's arguments">
    : Awaited<ReturnType<Method>> extends Result
      ? unknown
      : DoesNotFit<"`when` does not take what the method returns">;

type Accepts<Given extends AnyParameters, Args extends AnyParameters> = Args extends AnyParameters
  ? Given extends [...Args, ...AnyParameters]
    ? true
    : false
  : never;

/** A decorator for methods that return promises, and for classes; legacy and standard. */
export interface CachedDecoration<Args extends AnyParameters = AnyParameters, Result = AnyResult> {
  <Method extends AsyncMethod>(
    method: Method & Fits<Method, Args, Result>,
    context: ClassMethodDecoratorContext<Any, Method>,
  ): void;
  <Method extends AsyncMethod>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method> & Fits<Method, Args, Result>,
  ): void;
  <Class extends AnyClass>(target: Class, context: ClassDecoratorContext<Class>): void;
  <Class extends AnyClass>(target: Class): void;
}
