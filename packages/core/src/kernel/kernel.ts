import { randomUUID } from "node:crypto";
import { createHooks } from "hookable";
import type { DependencyContainer } from "tsyringe";
import type { KnownSchemas } from "../config/load.js";
import { ConfigListeners } from "../config/changes.js";
import { ConfigManager } from "../config/config-manager.js";
import type { SectionSchema } from "../config/sections.js";
import type { ConfigSources } from "../config/sources/sources.js";
import { ConfigurationError } from "../errors/index.js";
import { activeNode } from "../operations/active-node.js";
import { CallNode, noNotes, type CallerContext, type OutcomeNotes } from "../operations/call.js";
import { learnClass } from "../operations/homes.js";
import type { AnyFunction, Operation } from "../operations/operation.js";
import { Operations, type OperationRegistry } from "../operations/registry.js";
import { shared } from "../operations/shared-state.js";
import { wrapFunction, type WrapOptions } from "../operations/wrap.js";
import type { Advice, Invoke, Plugin } from "../plugin.js";
import type { ConfigProvider, Configured } from "./config-provider.js";
import { CallPaths, type PathHost } from "./call-paths.js";
import { runBelow } from "./caller-context.js";
import { Container, type Registrar, type Token } from "./container.js";
import { refuseNonPlugin, refuseUnlessFunction, refuseUnlessObject, refuseUnlessToken } from "./arguments.js";
import { checkHealth, type HealthReport } from "./health.js";
import type { ChangeCause } from "./events.js";
import type { Hooks, KernelHooks } from "./hooks.js";
import type { MetricReading } from "./metrics.js";
import { Lifecycle } from "./lifecycle.js";
import { PluginSet } from "./plugin-set.js";

/** What a call came to, besides its value. */
export interface Outcome<Value> extends Required<OutcomeNotes> {
  readonly value: Value;
}

/** What tools look at besides what an application sees. */
interface Inspection {
  readonly sources: ConfigSources;
  readonly sections: readonly SectionSchema[];
  readonly known: KnownSchemas;
  /** Pending ones among them. */
  readonly operations: readonly Operation[];
}

interface KernelParts {
  readonly configured: Configured;
  readonly provider: ConfigProvider;
  /** Names of plugins that the configuration turns off. */
  readonly off: ReadonlySet<string>;
  readonly container?: DependencyContainer;
}

/**
 * Runs decorated methods: holds the services, the plugins and the configuration, and compiles
 * each operation's call path. Made by `createKernel()`.
 */
export class Kernel implements AsyncDisposable {
  readonly id = randomUUID().slice(0, 8);
  readonly hooks: Hooks = createHooks<KernelHooks>();
  readonly operations: OperationRegistry;
  readonly #operations: Operations;
  readonly #provider: ConfigProvider;
  /** Where an application puts services that no class or plugin brings. */
  readonly services: Registrar;
  readonly #container: Container;
  readonly #plugins: PluginSet;
  readonly #paths: CallPaths;
  readonly #lifecycle: Lifecycle;
  readonly #config: ConfigManager;
  readonly #wrapped = new Set<string>();
  #outcomesWanted = false;

  constructor({ configured, provider, off, container }: KernelParts) {
    this.#container = new Container(container, (instance) => shared.owners.set(instance, this));
    this.services = this.#container;
    const operations = new Operations(this, () => ({
      ...this.#pathHost(),
      config: this.#lifecycle.offered,
    }));
    this.operations = this.#operations = operations;
    this.#provider = provider;
    this.#paths = new CallPaths(operations, () => this.#pathHost());
    const kernel = this;
    this.#plugins = new PluginSet(
      {
        id: this.id,
        get config() {
          return kernel.#lifecycle.offered;
        },
        get sections() {
          return provider.sections(kernel.plugins);
        },
        services: this.#container,
        hooks: this.hooks,
        operations,
      },
      off,
    );
    const listeners = new ConfigListeners();
    this.#lifecycle = new Lifecycle({
      kernel,
      hooks: this.hooks,
      plugins: this.#plugins,
      paths: this.#paths,
      container: this.#container,
      provider,
      configured,
      operations,
      listeners,
    });
    this.#config = new ConfigManager(this.#lifecycle, listeners);
    this.services.value(ConfigManager, this.#config);
  }

  /** The configuration in effect, and the way to change it. Services take it as {@link ConfigManager}. */
  get config(): ConfigManager {
    return this.#config;
  }

  /** The plugins that are loaded, in the order in which they started. */
  get plugins(): readonly Plugin[] {
    return this.#plugins.plugins;
  }

  /** A service by class or token, constructed with what it needs. */
  resolve<T>(token: Token<T>): T {
    this.#lifecycle.refuseWhenStopped("resolve a service");
    refuseUnlessToken(token);
    return this.#container.resolve(token);
  }

  /**
   * Makes an object that was constructed elsewhere this kernel's own, so that its methods run here;
   * or a class, for its static ones. Of a class the operations are known then.
   */
  adopt<T extends object>(instance: T): T {
    refuseUnlessObject(instance);
    learnClass(instance);
    shared.owners.set(instance, this);
    return instance;
  }

  /**
   * Adds a plugin to a kernel that runs, such as one whose decorators were imported late. Where
   * it cannot be started, nothing changes and the error says why.
   */
  async use(plugin: Plugin): Promise<void> {
    refuseNonPlugin(plugin, "kernel.use()");
    await this.#lifecycle.use(plugin);
  }

  /** Gives a plain function the advice of decorated methods. Its name must be its own in this kernel. */
  wrap<Fn extends AnyFunction>(fn: Fn, options: WrapOptions = {}): Fn {
    this.#lifecycle.refuseWhenStopped("wrap a function");
    refuseUnlessFunction(fn);
    const operation = wrapFunction(this, this.#knownAdvice(), fn, options);
    if (this.#wrapped.has(operation.id)) {
      throw new ConfigurationError(
        `Two functions are wrapped under the name "${operation.id}". Wrap once and keep the result, or give another \`name\`.`,
        { code: "MLMCP_OPERATION_DUPLICATE", context: { operation: operation.id } },
      );
    }
    this.#wrapped.add(operation.id);
    return operation.dispatcher as Fn;
  }

  /** Runs a function whose decorated calls have this signal, deadline and correlation id. */
  withContext<T>(context: CallerContext, fn: () => T): T {
    return this.#inContext(new CallNode({ kernel: this, parent: activeNode() }, context), context, fn);
  }

  /**
   * Runs a function and says how the decorated calls made directly in it came to their results.
   * `attempts` is the most that one of them took; 0 where nothing had to run.
   */
  async outcome<T>(fn: () => T): Promise<Outcome<Awaited<T>>> {
    if (!this.#outcomesWanted) {
      this.#outcomesWanted = true;
      this.#paths.forget();
    }
    const node = new CallNode({ kernel: this, parent: activeNode() });
    const collected = (node.collected = noNotes());
    const value = await this.#inContext(node, {}, fn);
    return { value, ...collected, attempts: collected.attempts || (collected.cached ? 0 : 1) };
  }

  /** Asks every plugin how it is. */
  health(): Promise<HealthReport> {
    return checkHealth(this.#plugins.healthChecks());
  }

  /** What the plugins tell of themselves at this moment: how full their caches and pools are, and what they count. */
  metrics(): readonly MetricReading[] {
    return this.#plugins.metrics();
  }

  /**
   * Reads the configuration again: from the rc file that was read at first, which must still be
   * there. Calls in flight finish as they began; later ones run under the new configuration.
   * Where it is invalid, cannot be read within `system.startTimeout`, or a plugin refuses it,
   * nothing changes and the error says why.
   */
  reload(): Promise<void> {
    return this.#lifecycle.reload("reload");
  }

  /**
   * Takes calls until none is in flight or `system.stopTimeout` has passed, then refuses them,
   * stops the plugins in reverse order and disposes of the services. It waits for a start or
   * reload that runs, but not for one that still reads the configuration or has not begun: these
   * reject with `MLMCP_KERNEL_STOPPED`. Later calls wait for the same stop.
   *
   * Called by a hook of such a start or reload, or of the stop itself, it answers at once, and
   * the kernel stops when that step has ended: the step cannot wait for what waits for it. What
   * then fails is a process warning (`MLMCP_STOP_FAILED`).
   *
   * @throws AggregateError with everything that failed; the kernel has stopped all the same.
   */
  stop(): Promise<void> {
    return this.#lifecycle.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Starts a kernel that was created with `start: false`; the others are started already. */
  start(): Promise<void> {
    return this.#lifecycle.start();
  }

  /** @internal A reload that something else than the application asks for. */
  reloadBecauseOf(cause: ChangeCause): Promise<void> {
    return this.#lifecycle.reload(cause);
  }

  /** @internal Called once by `createKernel`. */
  register(plugins: readonly Plugin[]): Promise<void> {
    return this.#plugins.register(plugins);
  }

  /** @internal Visits the plugins with the kernel as each sees it. */
  get pluginSet(): PluginSet {
    return this.#plugins;
  }

  /** @internal What its configuration was made of and may hold, and every operation; for tools that look. */
  get inspection(): Inspection {
    return {
      sources: this.#lifecycle.sources,
      sections: this.#provider.sections(this.plugins),
      known: this.#provider.known(this.plugins),
      operations: this.#operations.all(),
    };
  }

  /** @internal Whether it takes no calls any more, rather than not yet. */
  get stopped(): boolean {
    return this.#lifecycle.stopped;
  }

  /** @internal The compiled path of an operation. */
  pathOf(operation: Operation): Invoke {
    return this.#paths.of(operation);
  }

  #inContext<T>(node: CallNode, context: CallerContext, fn: () => T): T {
    this.#lifecycle.refuseWhenStopped("run calls");
    if (this.#contextSetting() === false) {
      throw new ConfigurationError(
        "A caller's context was given, but `system.context` is false. Remove that setting.",
        {
          code: "MLMCP_CONTEXT_OFF",
        },
      );
    }
    return runBelow(node, context, fn);
  }

  #contextSetting(): boolean | undefined {
    return this.#lifecycle.config.get("system.context") ?? (this.#outcomesWanted || undefined);
  }

  #pathHost(): PathHost {
    return {
      id: this.id,
      kernel: this,
      // The one that stands while the path does, not the live one.
      config: this.#lifecycle.config,
      context: this.#contextSetting(),
      resolve: (token) => this.#container.resolve(token),
      pluginState: (advice) => this.#plugins.stateOf(advice),
      admit: (operation) => this.#plugins.refuseUnprotected(operation, this.#lifecycle.config),
    };
  }

  #knownAdvice(): Map<string, Advice> {
    const decorators = this.plugins.flatMap((plugin) => plugin.decorators ?? []);
    return new Map(decorators.map(({ advice }) => [advice.name, advice]));
  }
}
