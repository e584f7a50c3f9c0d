import type { Advice, Invoke } from "../plugin.js";
import type { Kernel } from "../kernel/kernel.js";
import { ConfigurationError } from "../errors/index.js";
import { dispatch } from "./dispatch.js";
import { shared } from "./shared-state.js";
import type { SourceLocation } from "./source-location.js";

export type AnyFunction = (this: any, ...args: any[]) => any;

/**
 * What a method is known to return before it is called: `unknown` for a plain function, which
 * may return anything.
 */
export type ReturnKind = "promise" | "stream" | "iterator" | "unknown";

/** What is known of a decorated method. */
export interface OperationInfo {
  /** `Class.method`, `Class.static.method`, or the name that was given. */
  readonly id: string;
  readonly className: string | undefined;
  readonly methodName: string | symbol;
  readonly kind: "method" | "static" | "function";
  /** The undecorated method. */
  readonly method: AnyFunction;
  readonly returns: ReturnKind;
  /** The class, once it is known: for standard decorators that is after its definition. */
  readonly owner: (abstract new (...args: any[]) => unknown) | undefined;
  /** Where the method is decorated. */
  readonly source: SourceLocation | undefined;
  /** The how-manieth operation of its module this is, from 0. The same in every thread that loads the module. */
  readonly ordinal: number;
}

/** An advice on one operation, with the options that stand in the code. */
export interface AppliedAdvice {
  readonly advice: Advice;
  /** Checked, shorthand read, without the schema's defaults. */
  readonly options: object;
  /** Whether it stands on the class; then a method's own decorator would have won. */
  readonly onClass: boolean;
}

interface Subject {
  readonly method: AnyFunction;
  readonly methodName: string | symbol;
  readonly kind: OperationInfo["kind"];
  readonly owner?: abstract new (...args: any[]) => unknown;
  readonly source?: SourceLocation;
  /** The only kernel that may run it, for functions that a kernel wrapped. */
  readonly kernel?: Kernel;
}

const collected = new FinalizationRegistry<WeakRef<Operation>>((reference) =>
  shared.operations.delete(reference),
);

/** One decorated method. The dispatcher in the method's place calls nothing but `invoke`. */
export class Operation implements OperationInfo {
  /** The compiled call path, or what finds or refuses it. Swapped by start, reload and stop. */
  invoke: Invoke = (self, args) => dispatch(this, self, args);

  readonly method: AnyFunction;
  readonly methodName: string | symbol;
  readonly kind: OperationInfo["kind"];
  readonly source: SourceLocation | undefined;
  readonly kernel: Kernel | undefined;
  readonly ordinal: number;
  readonly dispatcher: AnyFunction;
  /** Outermost first. */
  readonly advice: AppliedAdvice[] = [];
  returns: ReturnKind;
  #owner: WeakRef<abstract new (...args: any[]) => unknown> | undefined;
  #name: string | undefined;
  #className: string | undefined;

  constructor(subject: Subject) {
    this.method = subject.method;
    this.methodName = subject.methodName;
    this.kind = subject.kind;
    this.source = subject.source;
    this.kernel = subject.kernel;
    this.returns = returnKindOf(subject.method);
    const module = subject.source?.file ?? "";
    this.ordinal = shared.ordinals.get(module) ?? 0;
    shared.ordinals.set(module, this.ordinal + 1);
    this.dispatcher = createDispatcher(this);
    shared.dispatchers.set(this.dispatcher, this);
    const reference = new WeakRef(this);
    shared.operations.add(reference);
    collected.register(this, reference);
    if (subject.owner) this.belongTo(subject.owner);
  }

  get owner(): (abstract new (...args: any[]) => unknown) | undefined {
    return this.#owner?.deref();
  }

  get className(): string | undefined {
    return this.#className;
  }

  /** Whether the class is still unknown, and with it the id. */
  get pending(): boolean {
    return this.#name === undefined && this.#className === undefined && this.kind !== "function";
  }

  get id(): string {
    if (this.#name !== undefined) return this.#name;
    const method = describeName(this.methodName);
    if (this.kind === "function") return method;
    const owner = this.#className ?? "(class not known yet)";
    return this.kind === "static" ? `${owner}.static.${method}` : `${owner}.${method}`;
  }

  /** As a message names it: by its class or, before that is known, by the place of the class. */
  get #called(): string {
    if (!this.pending) return this.id;
    const method = `${this.kind === "static" ? "static " : ""}${describeName(this.methodName)}`;
    return this.source ? `${method} (${this.source.file}:${this.source.line})` : method;
  }

  /** Whether its callers get a promise: then the engine's own errors reject instead of being thrown. */
  get isAsync(): boolean {
    return this.returns === "promise" || this.advice.some(({ advice }) => !advice.serves?.sync);
  }

  /** The class is known. `className` replaces the class's own name, for minified code. */
  belongTo(owner: abstract new (...args: any[]) => unknown, className: string = owner.name): void {
    this.#owner = new WeakRef(owner);
    this.#className = className;
  }

  rename(name: string): void {
    if (this.#name !== undefined && this.#name !== name) {
      throw new ConfigurationError(
        `${this.#called} is given two names, "${this.#name}" and "${name}". Give the name in one of its decorators only.`,
        { code: "MLMCP_OPERATION_NAME", context: { names: [this.#name, name] } },
      );
    }
    this.#name = name;
  }

  /** Adds an advice outside those that are there. */
  add(advice: Advice, options: object, { onClass = false } = {}): void {
    const problem = this.#conflict(advice, options);
    if (problem) {
      throw new ConfigurationError(`@${advice.name} on ${this.#called}: ${problem}`, {
        code: "MLMCP_DECORATION",
        context: { operation: this.id, decorator: advice.name },
      });
    }
    this.advice.unshift({ advice, options, onClass });
    this.reset();
  }

  /** Forgets the compiled path; the next call finds it anew. */
  reset(): void {
    this.invoke = (self, args) => dispatch(this, self, args);
  }

  #conflict(advice: Advice, options: object): string | undefined {
    if (this.advice.some((applied) => applied.advice.name === advice.name)) {
      return "it is there already. Remove one of the two, or merge their options.";
    }
    const given = new Set(advice.settings?.(options));
    for (const { advice: other, options: theirs } of this.advice) {
      const both = other.settings?.(theirs).find((setting) => given.has(setting));
      if (both) return `"${both}" is given by @${other.name} already. Keep it in one of the two.`;
    }
    if (this.returns === "stream" && !advice.serves?.streams) {
      return "it cannot serve a method that returns an async iterable. Remove it, or let the method return a promise.";
    }
    if (this.returns === "iterator" && !advice.serves?.sync) {
      return "it cannot serve a synchronous generator. Make it an async generator (`async *`).";
    }
    return undefined;
  }
}

/** The operation behind a function, where it is a decorated method or a wrapped function. */
export function operationOf(value: unknown): Operation | undefined {
  return typeof value === "function" ? shared.dispatchers.get(value) : undefined;
}

/** All operations of the process that are alive. */
export function* liveOperations(): Iterable<Operation> {
  for (const reference of shared.operations) {
    const operation = reference.deref();
    if (operation) yield operation;
    else shared.operations.delete(reference);
  }
}

export function describeName(name: string | symbol): string {
  return typeof name === "symbol" ? `[${name.description ?? "symbol"}]` : name;
}

function returnKindOf(method: AnyFunction): ReturnKind {
  // The tag tells functions of other realms too, where `instanceof` would not.
  switch (Object.prototype.toString.call(method)) {
    case "[object AsyncFunction]":
      return "promise";
    case "[object AsyncGeneratorFunction]":
      return "stream";
    case "[object GeneratorFunction]":
      return "iterator";
    default:
      return "unknown";
  }
}

function createDispatcher(operation: Operation): AnyFunction {
  const { method } = operation;
  // Method syntax: like the method it stands for, it is no constructor and has no prototype.
  const { dispatcher } = {
    dispatcher(this: unknown, ...args: unknown[]): unknown {
      return operation.invoke(this, args);
    },
  };
  Object.defineProperties(dispatcher, Object.getOwnPropertyDescriptors(method));
  if (typeof Reflect.getOwnMetadataKeys === "function") {
    for (const key of Reflect.getOwnMetadataKeys(method)) {
      Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), dispatcher);
    }
  }
  return dispatcher;
}
