import { randomUUID } from "node:crypto";
import { createHooks } from "hookable";
import type { DependencyContainer } from "tsyringe";
import type { ConfigReader } from "../config/reader.js";
import { ConfigurationError, OperationTimeoutError, PluginError } from "../errors/index.js";
import { activeNode, CallNode, type CallerContext, type OutcomeNotes } from "../operations/call.js";
import { compile, type CompileHost } from "../operations/compile.js";
import { whenOver } from "../operations/ending.js";
import { KeptStates } from "../operations/kept-states.js";
import { liveOperations, type AnyFunction, type Operation } from "../operations/operation.js";
import { Operations, type OperationRegistry } from "../operations/registry.js";
import { shared } from "../operations/shared-state.js";
import { wrapFunction, type WrapOptions } from "../operations/wrap.js";
import type { Advice, Invoke, Plugin } from "../plugin.js";
import { Container, type Registrar, type Token } from "./container.js";
import { Drain } from "./drain.js";
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
  readonly #operations: Operations;
  readonly #container: Container;
  readonly #plugins: PluginSet;
  readonly #provider: ConfigProvider;
  readonly #states = new KeptStates();
  readonly #wrapped = new Set<string>();
  #config: ConfigReader;
  #state: State = "registered";
  #stopping: Promise<void> | undefined;
  #drain = new Drain();
  /** Of earlier configurations, whose last calls may still be in flight. */
  readonly #olderDrains = new Set<Drain>();
  #outcomesWanted = false;
  #paths = new WeakMap<Operation, Invoke>();

  constructor({ config, provider, off, container }: KernelParts) {
    this.#config = config;
    this.#provider = provider;
    this.#container = new Container(container, (instance) => shared.owners.set(instance, this));
    this.services = this.#container;
    this.#operations = new Operations(this, () => this.#compileHost());
    this.operations = this.#operations;
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
    this.#recompile();
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
      this.#recompile();
    }
    const node = new CallNode({ kernel: this, parent: activeNode() });
    const collected = (node.collected = { degraded: false, stale: false, cached: false, attempts: 0 });
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
    this.#recompile();
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

  /** @internal The compiled path of an operation, compiled when it is first called. */
  pathOf(operation: Operation): Invoke {
    let path = this.#paths.get(operation);
    if (!path) {
      const loser = this.#operations.claim(operation);
      if (loser) {
        this.#paths.delete(loser);
        loser.reset();
      }
      path = compile(operation, this.#compileHost());
      this.#paths.set(operation, path);
      const replaced = this.#states.takeReplaced();
      if (replaced.length > 0) void this.#disposeAfterOldCalls(replaced);
    }
    return path;
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
      await this.#drained();
    }
    this.#state = "stopped";
    shared.running.delete(this);
    if (shared.running.size === 0 && shared.contextInUse) {
      // Once in use, context slows every promise of the process until it is disabled.
      shared.contextInUse = false;
      shared.context.disable();
    }
    this.#paths = new WeakMap();
    for (const operation of liveOperations()) operation.reset();
    failures.push(...(await this.#plugins.stop()));
    for (const dispose of this.#states.takeAll()) await attempt(dispose);
    failures.push(...(await this.#container.dispose()));
    await attempt(() => this.hooks.callHook("kernel:stopped"));
    if (failures.length > 0) {
      throw new AggregateError(failures, `The kernel has stopped, but ${failures.length} step(s) of it failed.`);
    }
  }

  async #drained(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#config.get<number>("system.stopTimeout"));
    });
    await Promise.race([Promise.all([this.#drain.whenIdle(), this.#oldCalls()]), late]);
    clearTimeout(timer);
  }

  #oldCalls(): Promise<unknown> {
    return Promise.all(Array.from(this.#olderDrains, (drain) => drain.whenIdle()));
  }

  async #disposeAfterOldCalls(disposers: ReadonlyArray<() => void>): Promise<void> {
    await this.#oldCalls();
    for (const dispose of disposers) {
      try {
        dispose();
      } catch (error) {
        process.emitWarning(`Replaced state could not be disposed of: ${String(error)}`, { code: "MLMCP_DISPOSE_FAILED" });
      }
    }
  }

  #inContext<T>(node: CallNode, { signal, deadline }: CallerContext, fn: () => T): T {
    this.#refuseWhenStopped("run calls");
    if (this.#contextSetting() === false) {
      throw new ConfigurationError("A caller's context was given, but `system.context` is false. Remove that setting.", {
        code: "MLMCP_CONTEXT_OFF",
      });
    }
    shared.contextInUse = true;
    const onAbort = (): void => node.abort(signal?.reason);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    const timer = deadline === undefined ? undefined : abortAt(node, deadline);
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      node.end();
    };
    let result: T;
    try {
      result = shared.context.run(node, fn);
    } catch (error) {
      end();
      throw error;
    }
    return whenOver(result, end) as T;
  }

  /** What has been compiled no longer holds; calls in flight finish on it. */
  #recompile(): void {
    const older = this.#drain;
    if (older.inFlight > 0) {
      this.#olderDrains.add(older);
      void older.whenIdle().then(() => this.#olderDrains.delete(older));
      this.#drain = new Drain();
    }
    this.#paths = new WeakMap();
    for (const operation of liveOperations()) operation.reset();
  }

  #contextSetting(): boolean | undefined {
    return this.#config.get<boolean | undefined>("system.context") ?? (this.#outcomesWanted || undefined);
  }

  #compileHost(): CompileHost {
    return {
      id: this.id,
      kernel: this,
      config: this.#config,
      states: this.#states,
      drain: this.#drain,
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
    throw new PluginError(`Cannot ${what}: the kernel has stopped. Create another with \`await createKernel()\`.`, {
      code: "MLMCP_KERNEL_STOPPED",
    });
  }
}

function abortAt(node: CallNode, deadline: number): NodeJS.Timeout {
  return setTimeout(
    () => node.abort(new OperationTimeoutError("The caller's deadline has passed.", { context: { deadline } })),
    Math.max(0, deadline - Date.now()),
  );
}
