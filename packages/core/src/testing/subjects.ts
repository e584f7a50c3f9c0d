import type { AnyFunction } from "../operations/operation.js";

/** Puts the decorator under test in place. */
export type SubjectDefinition = (decorator: () => any) => SubjectClass;

/** The methods that the rules call. The comments say what a definition must do. */
export interface Subjects {
  /** Set by `touch`. */
  touched: boolean;
  /** What `fail` throws. */
  readonly error: Error;
  /** Resolves with the value. */
  identity(value: unknown): Promise<unknown>;
  /** Resolves with both, as an array. Declares exactly two parameters. */
  pair(first: unknown, second: unknown): Promise<unknown[]>;
  /** Rejects with `this.error`. */
  fail(): Promise<never>;
  /** Sets `this.touched` and resolves with true. */
  touch(): Promise<boolean>;
  /** Resolves with the value some turns of the event loop later. */
  later(value: unknown): Promise<unknown>;
  /** Returns the value synchronously. */
  plain(value: unknown): unknown;
}

export type SubjectClass = new () => Subjects;

/** The undecorated class; written anew for each definition, since decorators change it. */
function plainClass(): SubjectClass {
  return class ContractSubject implements Subjects {
    touched = false;
    readonly error = new Error("the method's own error");
    async identity(value: unknown): Promise<unknown> {
      return value;
    }
    async pair(first: unknown, second: unknown): Promise<unknown[]> {
      return [first, second];
    }
    async fail(): Promise<never> {
      throw this.error;
    }
    async touch(): Promise<boolean> {
      this.touched = true;
      return true;
    }
    async later(value: unknown): Promise<unknown> {
      await new Promise((resolve) => setImmediate(resolve));
      return value;
    }
    plain(value: unknown): unknown {
      return value;
    }
  };
}

const METHODS = ["identity", "pair", "fail", "touch", "later", "plain"] as const;

/** Applies a decorator as compilers do under `experimentalDecorators`. */
export const legacySubjects: SubjectDefinition = (decorator) => {
  const subject = plainClass();
  for (const name of METHODS) {
    const descriptor = Object.getOwnPropertyDescriptor(subject.prototype, name)!;
    const replaced = decorator()(subject.prototype, name, descriptor) as PropertyDescriptor | undefined;
    Object.defineProperty(subject.prototype, name, replaced ?? descriptor);
  }
  return subject;
};

/** Applies a decorator as the standard (TC39, stage 3) prescribes. */
export const standardSubjects: SubjectDefinition = (decorator) => {
  const plain = plainClass();
  const metadata = {};
  const initializers: Array<(this: unknown) => void> = [];
  for (const name of METHODS) {
    const value = plain.prototype[name] as AnyFunction;
    const replaced: unknown = decorator()(value, {
      kind: "method",
      name,
      static: false,
      private: false,
      metadata,
      access: { has: (object: object) => name in object, get: (object: Subjects) => object[name] },
      addInitializer: (initializer: (this: unknown) => void) => void initializers.push(initializer),
    });
    if (replaced !== undefined)
      Object.defineProperty(plain.prototype, name, { value: replaced, writable: true, configurable: true });
  }
  Object.defineProperty(plain, Symbol.metadata, { value: metadata, configurable: true });
  // A standard class runs the initializers first thing in its constructor.
  const subject = new Proxy(plain, {
    construct(target, args, newTarget) {
      const instance = Reflect.construct(target, args, newTarget) as Subjects;
      for (const initializer of initializers) initializer.call(instance);
      return instance;
    },
  });
  return subject;
};
