import "reflect-metadata";
import { container as root, Lifecycle, type DependencyContainer, type InjectionToken } from "tsyringe";
import { ConfigurationError } from "../errors/index.js";
import { learnClass } from "../operations/homes.js";
import { shared } from "../operations/shared-state.js";
import { injectionsOf, nothingToInject } from "./service.js";

/** What names a service: its class, or a string or symbol for what has none. */
export type Token<T = unknown> = string | symbol | (abstract new (...args: any[]) => T);

type Constructor = new (...args: unknown[]) => unknown;

/** Where a plugin or an application puts its services. */
export interface Registrar {
  /**
   * An object that exists. The kernel does not dispose of it. Its methods run in the first kernel
   * that resolves it, until that stops, unless it is another's.
   */
  value<T>(token: Token<T>, instance: T): void;
  /** A class to construct when it is first asked for, once for each kernel. */
  class<T>(token: Token<T>, type: new (...args: any[]) => T): void;
  /** Called when the service is first asked for, once for each kernel. */
  factory<T>(token: Token<T>, create: (resolve: <S>(token: Token<S>) => S) => T): void;
  /** Whether there is such a service: one that was registered, or a class under `@service()`. */
  has(token: Token): boolean;
}

/** The methods of tsyringe's container that it keeps to itself. */
interface Internals extends DependencyContainer {
  construct(type: Constructor, context: unknown): unknown;
}

/** Something that is being made: a class, or a factory. */
interface Making {
  readonly by: unknown;
  readonly name: string;
}

/**
 * A kernel's services. The only file that touches tsyringe's container; what is changed about it
 * and why:
 *
 * - construction is ours, since `afterResolution` misses subclasses, class tokens and factories,
 *   and the kernel must know every object that it made;
 * - `@service()` classes live once for each kernel, not in the root container that all share;
 * - disposal is ours: asynchronous, in reverse order, once, and one failure stops no other;
 * - what only a parent container knows is the application's: it may be shared with other
 *   kernels, and this one does not dispose of it.
 */
export class Container implements Registrar {
  readonly #inner: Internals;
  readonly #making: Making[] = [];
  /** Whether what is made now is made for a registration of a parent container. */
  #forParent = false;
  /** What to dispose of, in the order in which it was made. */
  readonly #owned = new Set<object>();
  /** Objects of others, which are not ours to dispose of. */
  readonly #foreign = new WeakSet<object>();
  /** Those among them that run in this kernel, as it was the first to resolve them. */
  readonly #adopted = new Map<WeakRef<object>, unknown>();
  readonly #gone = new FinalizationRegistry<WeakRef<object>>((ref) => this.#adopted.delete(ref));

  constructor(
    parent: DependencyContainer = root,
    /** Told of every object that becomes the kernel's. */
    readonly onConstruct: (instance: object) => void,
  ) {
    this.#inner = parent.createChildContainer() as Internals;
    const { resolve, resolveAll, construct } = this.#inner;
    this.#inner.resolve = <T>(token: InjectionToken<T>, ...rest: []): T => {
      this.#prepare(token);
      return this.#lookUp(token, () => resolve.call(this.#inner, token, ...rest) as T);
    };
    this.#inner.resolveAll = <T>(token: InjectionToken<T>, ...rest: []): T[] =>
      this.#lookUp(token, () => resolveAll.call(this.#inner, token, ...rest) as T[]);
    this.#inner.construct = (type, context) =>
      this.#construct(type, () => construct.call(this.#inner, type, context));
  }

  resolve<T>(token: Token<T>): T {
    return this.#inner.resolve(token as InjectionToken<T>);
  }

  value<T>(token: Token<T>, instance: T): void {
    this.#inner.register(token as InjectionToken<T>, { useFactory: () => this.#lend(instance) });
  }

  class<T>(token: Token<T>, type: new (...args: any[]) => T): void {
    learnClass(type);
    this.#inner.register(
      token as InjectionToken<T>,
      { useClass: type },
      { lifecycle: Lifecycle.ContainerScoped },
    );
  }

  factory<T>(token: Token<T>, create: (resolve: <S>(token: Token<S>) => S) => T): void {
    let made: { readonly instance: T } | undefined;
    const useFactory = (): T => {
      if (!made) {
        const resolve = <S>(wanted: Token<S>): S => this.#inner.resolve(wanted as InjectionToken<S>);
        made = { instance: this.#make({ by: useFactory, name: nameOf(token) }, () => create(resolve)) };
        this.#own(made.instance);
      }
      return made.instance;
    };
    this.#inner.register(token as InjectionToken<T>, { useFactory });
  }

  has(token: Token): boolean {
    return (
      this.#inner.isRegistered(token as InjectionToken, true) ||
      (typeof token === "function" && shared.services.has(token))
    );
  }

  /** Disposes of what the container made, last first. Returns what failed. */
  async dispose(): Promise<unknown[]> {
    const failures: unknown[] = [];
    this.#release();
    const owned = [...this.#owned].reverse();
    this.#owned.clear();
    for (const instance of owned) {
      try {
        await disposerOf(instance)?.call(instance);
      } catch (error) {
        failures.push(error);
      }
    }
    return failures;
  }

  #prepare(token: unknown): void {
    if (this.#inner.isRegistered(token as InjectionToken, true)) return;
    if (typeof token === "function" && shared.services.has(token)) {
      this.class(token as Constructor, token as Constructor);
    } else if (typeof token === "string" || typeof token === "symbol") {
      const asking = this.#making.at(-1)?.name;
      throw new ConfigurationError(
        `No service is registered as ${String(token)}${asking ? `, which ${asking} asks for` : ""}. ` +
          "Register it in a plugin's `register`, or load the plugin that provides it.",
        { code: "MLMCP_UNKNOWN_SERVICE", context: { token: String(token), path: this.#path() } },
      );
    }
  }

  /** Looks a token up; what it leads to is the parent's where only a parent container knows it. */
  #lookUp<T>(token: InjectionToken, find: () => T): T {
    const own = this.#inner.isRegistered(token);
    // A class that nobody registered belongs to whom it is made for.
    if (!own && !this.#inner.isRegistered(token, true)) return find();
    const before = this.#forParent;
    this.#forParent = !own;
    try {
      const found = find();
      return own ? found : this.#lend(found);
    } finally {
      this.#forParent = before;
    }
  }

  #construct(type: Constructor, construct: () => unknown): unknown {
    const instance = this.#make({ by: type, name: type.name }, () => {
      const tokens = injectionsOf(type, this.#path().slice(0, -1));
      return tokens
        ? new type(...tokens.map((token) => this.#inner.resolve(token as InjectionToken)))
        : this.#byTsyringe(type, construct);
    });
    // To look into the proxy of a `delay()` would construct what it delays.
    if (typeof type !== "function") this.#adopt(instance);
    else if (this.#forParent) this.#lend(instance);
    else this.#own(instance);
    return instance;
  }

  /** Classes that carry tsyringe's own decorators; it knows no others that take parameters. */
  #byTsyringe(type: Constructor, construct: () => unknown): unknown {
    try {
      return construct();
    } catch (error) {
      const unknown =
        error instanceof Error && error.message.startsWith(`TypeInfo not known for "${type.name}"`);
      throw unknown ? nothingToInject(type, this.#path().slice(0, -1)) : error;
    }
  }

  #make<T>(what: Making, make: () => T): T {
    if (this.#making.some(({ by }) => by === what.by)) {
      const circle = [...this.#path(), what.name].join(" → ");
      throw new ConfigurationError(
        `Services need each other in a circle: ${circle}. Let one of them take the other later, as a method's argument.`,
        { code: "MLMCP_SERVICE_CYCLE", context: { path: circle } },
      );
    }
    this.#making.push(what);
    try {
      return make();
    } finally {
      this.#making.pop();
    }
  }

  /** Makes an object the kernel's, to run in it and to be disposed of with it. */
  #own(instance: unknown): void {
    if (!isObject(instance) || this.#foreign.has(instance)) return;
    this.#adopt(instance);
    if (disposers.some((key) => key in instance)) this.#owned.add(instance);
  }

  /** Hands on an object of somebody else, which runs in this kernel unless it is another's. */
  #lend<T>(instance: T): T {
    if (!isObject(instance) || this.#owned.has(instance)) return instance;
    this.#foreign.add(instance);
    if (this.#adopt(instance)) {
      const ref = new WeakRef<object>(instance);
      this.#adopted.set(ref, shared.owners.get(instance));
      this.#gone.register(instance, ref);
    }
    return instance;
  }

  #adopt(instance: unknown): boolean {
    if (!isObject(instance) || shared.owners.has(instance)) return false;
    this.onConstruct(instance);
    return true;
  }

  /** Lets go of what others own, which may outlive this kernel and run in the next. */
  #release(): void {
    for (const [ref, owner] of this.#adopted) {
      const instance = ref.deref();
      if (instance && shared.owners.get(instance) === owner) shared.owners.delete(instance);
    }
    this.#adopted.clear();
  }

  #path(): string[] {
    return this.#making.map(({ name }) => name);
  }
}

function nameOf(token: Token): string {
  return typeof token === "function" ? token.name : String(token);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

const disposers = ["dispose", Symbol.asyncDispose, Symbol.dispose] as const;

function disposerOf(instance: object): (() => unknown) | undefined {
  const {
    dispose,
    [Symbol.asyncDispose]: later,
    [Symbol.dispose]: now,
  } = instance as {
    dispose?: unknown;
    [Symbol.asyncDispose]?: unknown;
    [Symbol.dispose]?: unknown;
  };
  return [later, now, dispose].find((method): method is () => unknown => typeof method === "function");
}
