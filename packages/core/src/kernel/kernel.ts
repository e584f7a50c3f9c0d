import { randomUUID } from "node:crypto";
import { createHooks } from "hookable";
import type { DependencyContainer } from "tsyringe";
import type { ConfigReader } from "../config/reader.js";
import { ConfigurationError, PluginError } from "../errors/index.js";
import { activeNode, CallNode, noNotes, type CallerContext, type OutcomeNotes } from "../operations/call.js";
import { liveOperations, type AnyFunction, type Operation } from "../operations/operation.js";
import { Operations, type OperationRegistry } from "../operations/registry.js";
import { shared } from "../operations/shared-state.js";
import { wrapFunction, type WrapOptions } from "../operations/wrap.js";
import type { Advice, Invoke, Plugin } from "../plugin.js";
import { CallPaths, type PathHost } from "./call-paths.js";
import { runBelow } from "./caller-context.js";
import { Container, type Registrar, type Token } from "./container.js";
import { EventChannel } from "./events.js";
import { checkHealth, type HealthReport } from "./health.js";
import type { Hooks, KernelHooks } from "./hooks.js";
import { PluginSet } from "./plugin-set.js";

/** What a call came to, besides its value. */
export interface Outcome<Value> extends Required<OutcomeNotes> {
  readonly value: Value;
}

/** Where a kernel's configuration comes from; asked again at each reload and for each plugin added. */
export interface ConfigProvider {
  /** Reads the sources anew, or, where `again` is false, only validates against a changed set of plugins. */
  resolve(plugins: readonly Plugin[], options: { again: boolean }): Promise<ConfigReader>;
}

interface KernelParts {
  readonly config: ConfigReader;
  readonly provider: ConfigProvider;
  /** Names of plugins that the configuration turns off. */
  readonly off: ReadonlySet<string>;
  readonly container?: DependencyContainer;
}

type State = "registered" | "running" | "draining" | "stopped";

/**
 * Runs decorated methods: holds the services, the plugins and the configuration, and compiles
 * each operation's call path. Made by `createKernel()`.
 */
export class Kernel implements AsyncDisposable {
  readonly id = randomUUID().slice(0, 8);
  readonly hooks: Hooks = createHooks<KernelHooks>();
  readonly operations: OperationRegistry;
  /** Where an application puts services that no class or plugin brings. */
  readonly services: Registrar;
  readonly #container: Container;
  readonly #plugins: PluginSet;
  readonly #provider: ConfigProvider;
  readonly #paths: CallPaths;
  readonly #wrapped = new Set<string>();
  #config: ConfigReader;
  #state: State = "registered";
  #stopping: Promise<void> | undefined;
  #outcomesWanted = false;

  constructor({ config, provider, off, container }: KernelParts) {
    this.#config = config;
    this.#provider = provider;
    this.#container = new Container(container, (instance) => shared.owners.set(instance, this));
    this.services = this.#container;
    const operations = new Operations(this, () => this.#pathHost());
    this.operations = operations;
    this.#paths = new CallPaths(operations, () => this.#pathHost());
    const kernel = this;
    this.#plugins = new PluginSet(
      {
        id: this.id,
        get config() {
          return kernel.#config;
        },
        services: this.#container,
        hooks: this.hooks,
        operations: this.operations,
      },
      off,
    );
  }

  get config(): ConfigReader {
    return this.#config;
  }

  /** The plugins that are loaded, in the order in which they started. */
  get plugins(): readonly Plugin[] {
    return this.#plugins.plugins;
  }

  /** A service by class or token, constructed with what it needs. */
  resolve<T>(token: Token<T>): T {
    this.#refuseWhenStopped("resolve a service");
    return this.#container.resolve(token);
  }

  /** Makes an object that was constructed elsewhere this kernel's own, so that its methods run here. */
  adopt<T extends object>(instance: T): T {
    shared.owners.set(instance, this);
    return instance;
  }

  /** Adds a plugin to a kernel that runs, such as one whose decorators were imported late. */
  async use(plugin: Plugin): Promise<void> {
    this.#refuseWhenStopped(`use the plugin "${plugin.name}"`);
    if (this.#plugins.plugins.includes(plugin)) return;
    const previous = this.#config;
    this.#config = await this.#provider.resolve([...this.plugins, plugin], { again: false });
    try {
      await this.#plugins.register([plugin]);
      if (this.#state === "running") await this.#plugins.start();
    } catch (error) {
      this.#config = previous;
      throw error;
    }
    this.#paths.forget();
  }

  /** Gives a plain function the advice of decorated methods. Its name must be its own in this kernel. */
  wrap<Fn extends AnyFunction>(fn: Fn, options: WrapOptions = {}): Fn {
    this.#refuseWhenStopped("wrap a function");
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

  /**
   * Reads the configuration again. Calls in flight finish as they began; later ones run under
   * the new configuration. Where it is invalid, or a plugin refuses it, nothing changes and the
   * error says why.
   */
  async reload(): Promise<void> {
    this.#refuseWhenStopped("reload");
    const previous = this.#config;
    const config = await this.#provider.resolve(this.plugins, { again: true });
    this.#config = config;
    try {
      await this.#plugins.reload();
    } catch (error) {
      this.#config = previous;
      await this.#plugins.reload();
      throw error;
    }
    this.#paths.forget();
    await this.hooks.callHook("kernel:reloaded", { config, previous });
    new EventChannel("kernel:reloaded", { kernel: this.id }).publish({ file: config.file });
  }

  /**
   * Takes calls until none is in flight or `system.stopTimeout` has passed, then refuses them,
   * stops the plugins in reverse order and disposes of the services. Later calls wait for the
   * same stop.
   *
   * @throws AggregateError with everything that failed; the kernel has stopped all the same.
   */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Starts a kernel that was created with `start: false`; the others are started already. */
  async start(): Promise<void> {
    this.#refuseWhenStopped("start");
    if (this.#state !== "registered") return;
    try {
      await this.#plugins.start();
      await this.hooks.callHook("kernel:started");
    } catch (error) {
      // What stopping adds to it is of no use to the reader of why the start failed.
      await this.stop().catch(() => undefined);
      throw error;
    }
    this.#state = "running";
    shared.running.add(this);
    // The second kernel ends the time in which a path could stand in its operation for good.
    if (++shared.kernels > 1) for (const operation of liveOperations()) operation.reset();
  }

  /** @internal Called once by `createKernel`. */
  register(plugins: readonly Plugin[]): Promise<void> {
    return this.#plugins.register(plugins);
  }

  /** @internal Visits the plugins with the kernel as each sees it. */
  get pluginSet(): PluginSet {
    return this.#plugins;
  }

  /** @internal The compiled path of an operation. */
  pathOf(operation: Operation): Invoke {
    return this.#paths.of(operation);
  }

  async #stop(): Promise<void> {
    const failures: unknown[] = [];
    const attempt = async (step: () => unknown): Promise<void> => {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    };
    if (this.#state === "running") {
      this.#state = "draining";
      await attempt(() => this.hooks.callHook("kernel:draining"));
      await this.#paths.drained(this.#config.get<number>("system.stopTimeout"));
    }
    this.#state = "stopped";
    shared.running.delete(this);
    if (shared.running.size === 0 && shared.contextInUse) {
      // Once in use, context slows every promise of the process until it is disabled.
      shared.contextInUse = false;
      shared.context.disable();
    }
    this.#paths.forget();
    failures.push(...(await this.#plugins.stop()));
    failures.push(...this.#paths.dispose());
    failures.push(...(await this.#container.dispose()));
    await attempt(() => this.hooks.callHook("kernel:stopped"));
    if (failures.length > 0) {
      throw new AggregateError(
        failures,
        `The kernel has stopped, but ${failures.length} step(s) of it failed.`,
      );
    }
  }

  #inContext<T>(node: CallNode, context: CallerContext, fn: () => T): T {
    this.#refuseWhenStopped("run calls");
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
    return this.#config.get<boolean | undefined>("system.context") ?? (this.#outcomesWanted || undefined);
  }

  #pathHost(): PathHost {
    return {
      id: this.id,
      kernel: this,
      config: this.#config,
      context: this.#contextSetting(),
      resolve: (token) => this.#container.resolve(token),
      pluginState: (advice) => this.#plugins.stateOf(advice),
    };
  }

  #knownAdvice(): Map<string, Advice> {
    const decorators = this.plugins.flatMap((plugin) => plugin.decorators ?? []);
    return new Map(decorators.map(({ advice }) => [advice.name, advice]));
  }

  #refuseWhenStopped(what: string): void {
    if (this.#state !== "stopped") return;
    throw new PluginError(
      `Cannot ${what}: the kernel has stopped. Create another with \`await createKernel()\`.`,
      {
        code: "MLMCP_KERNEL_STOPPED",
      },
    );
  }
}
