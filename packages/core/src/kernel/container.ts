import "reflect-metadata";
import { container as root, Lifecycle, type DependencyContainer, type InjectionToken } from "tsyringe";
import { ConfigurationError } from "../errors/index.js";
import { shared } from "../operations/shared-state.js";
import { injectionsOf } from "./service.js";

/** What names a service: its class, or a string or symbol for what has none. */
export type Token<T = unknown> = string | symbol | (abstract new (...args: any[]) => T);

type Constructor = new (...args: unknown[]) => unknown;

/** Where a plugin or an application puts its services. */
export interface Registrar {
  /** An object that exists. The kernel does not dispose of it. */
  value<T>(token: Token<T>, instance: T): void;
  /** A class to construct when it is first asked for, once for each kernel. */
  class<T>(token: Token<T>, type: new (...args: any[]) => T): void;
  /** Called when the service is first asked for, once for each kernel. */
  factory<T>(token: Token<T>, create: (resolve: <S>(token: Token<S>) => S) => T): void;
}

/** The methods of tsyringe's container that it keeps to itself. */
interface Internals extends DependencyContainer {
  construct(type: Constructor, context: unknown): unknown;
}

/**
 * A kernel's services. The only file that touches tsyringe's container; what is changed about it
 * and why:
 *
 * - construction is ours, since `afterResolution` misses subclasses, class tokens and factories,
 *   and the kernel must know every object that it made;
 * - `@service()` classes live once for each kernel, not in the root container that all share;
 * - disposal is ours: asynchronous, in reverse order, once, and one failure stops no other.
 */
export class Container implements Registrar {
  readonly #inner: Internals;
  readonly #constructing: Constructor[] = [];
  readonly #constructed: object[] = [];

  constructor(
    parent: DependencyContainer = root,
    /** Told of every object that the container makes. */
    readonly onConstruct: (instance: object) => void,
  ) {
    this.#inner = parent.createChildContainer() as Internals;
    const { resolve, construct } = this.#inner;
    this.#inner.resolve = <T>(token: InjectionToken<T>, ...rest: []): T => {
      this.#prepare(token);
      return resolve.call(this.#inner, token, ...rest) as T;
    };
    this.#inner.construct = (type, context) =>
      this.#construct(type, () => construct.call(this.#inner, type, context));
  }

  resolve<T>(token: Token<T>): T {
    try {
      return this.#inner.resolve(token as InjectionToken<T>);
    } finally {
      // An error in the middle of a chain of constructors leaves its path behind.
      this.#constructing.length = 0;
    }
  }

  value<T>(token: Token<T>, instance: T): void {
    this.#inner.register(token as InjectionToken<T>, { useValue: instance });
  }

  class<T>(token: Token<T>, type: new (...args: any[]) => T): void {
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
        made = { instance: create((wanted) => this.#inner.resolve(wanted as InjectionToken<any>)) };
        this.#own(made.instance);
      }
      return made.instance;
    };
    this.#inner.register(token as InjectionToken<T>, { useFactory });
  }

  /** Disposes of what the container made, last first. Returns what failed. */
  async dispose(): Promise<unknown[]> {
    const failures: unknown[] = [];
    for (const instance of this.#constructed.splice(0).reverse()) {
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
      const asking = this.#constructing.at(-1)?.name;
      throw new ConfigurationError(
        `No service is registered as ${String(token)}${asking ? `, which ${asking} asks for` : ""}. ` +
          "Register it in a plugin's `register`, or load the plugin that provides it.",
        { code: "MLMCP_UNKNOWN_SERVICE", context: { token: String(token), path: this.#path() } },
      );
    }
  }

  #construct(type: Constructor, construct: () => unknown): unknown {
    if (this.#constructing.includes(type)) {
      const circle = [...this.#path(), type.name].join(" → ");
      throw new ConfigurationError(
        `Services need each other in a circle: ${circle}. Let one of them take the other later, as a method's argument.`,
        {
          code: "MLMCP_SERVICE_CYCLE",
          context: { path: circle },
        },
      );
    }
    this.#constructing.push(type);
    const tokens = injectionsOf(type, this.#path());
    const instance = tokens
      ? new type(...tokens.map((token) => this.#inner.resolve(token as InjectionToken)))
      : construct();
    this.#constructing.pop();
    this.#own(instance);
    return instance;
  }

  #own(instance: unknown): void {
    if (typeof instance !== "object" || instance === null) return;
    this.#constructed.push(instance);
    this.onConstruct(instance);
  }

  #path(): string[] {
    return this.#constructing.map(({ name }) => name);
  }
}

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
