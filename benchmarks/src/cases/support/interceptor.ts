/**
 * What an interceptor in the style of Nest costs, written by hand and without rxjs: a context
 * object for each call, a handler that gives a deferred stream, and a promise of its last value
 * for the caller. Nest itself does more (rxjs operators, an AsyncResource for each call).
 */
export interface Interceptor {
  intercept(context: CallContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>>;
}

export interface CallHandler {
  handle(): Observable<unknown>;
}

class CallContext {
  constructor(
    readonly instance: object,
    readonly handler: Method,
    readonly args: readonly unknown[],
  ) {}
}

interface Receiver<T> {
  next(value: T): void;
  error(error: unknown): void;
  complete(): void;
}

type Method = (this: object, ...args: never[]) => Promise<unknown>;

class Observable<T> {
  constructor(readonly subscribe: (receiver: Receiver<T>) => void) {}

  /** Starts when somebody subscribes. */
  static defer<T>(start: () => Promise<T | Observable<T>>): Observable<T> {
    return new Observable((receiver) => {
      start().then(
        (value) => {
          if (value instanceof Observable) return value.subscribe(receiver);
          receiver.next(value);
          receiver.complete();
        },
        (error: unknown) => receiver.error(error),
      );
    });
  }

  last(): Promise<T> {
    return new Promise((resolve, reject) => {
      let last: T;
      this.subscribe({ next: (value) => void (last = value), error: reject, complete: () => resolve(last) });
    });
  }
}

/** Does nothing but pass on. */
export class PassOn implements Interceptor {
  intercept(_context: CallContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

/** A method with interceptors around it, the first outermost. */
export function intercepted<M extends Method>(method: M, interceptors: readonly Interceptor[]): M {
  return function (this: object, ...args: never[]) {
    const context = new CallContext(this, method, args);
    const from = async (index: number): Promise<unknown> => {
      const interceptor = interceptors[index];
      if (!interceptor) return method.apply(this, args);
      return interceptor.intercept(context, { handle: () => Observable.defer(() => from(index + 1)) });
    };
    return Observable.defer(() => from(0)).last();
  } as M;
}
