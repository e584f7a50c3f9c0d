import type { ConfigReader } from "../config/reader.js";
import type { SectionSchema } from "../config/sections.js";
import { PluginError } from "../errors/index.js";
import type { Operation } from "../operations/operation.js";
import type { Operations } from "../operations/registry.js";
import { shared } from "../operations/shared-state.js";
import type { Advice, Plugin, PluginKernel } from "../plugin.js";
import type { Container } from "./container.js";
import { addErrorRules } from "./error-rules.js";
import { EventChannel, onEvent, type EventName, type PublishedEvent } from "./events.js";
import type { HealthCheck } from "./health.js";
import { callEveryHook, callHooks } from "./hook-calls.js";
import type { Hooks, KernelHooks } from "./hooks.js";
import { MetricReader, type MetricReading } from "./metrics.js";
import { orderPlugins } from "./plugin-order.js";
import { productionReasons, refuseUnsafe, unknownAllowed, type ProductionReason } from "./production.js";
import type { ProductionSubject } from "./production-check.js";
import { protectionOff } from "./production-protection.js";
import { TimeLimitError, within } from "./time-limit.js";

/** What plugins see of their kernel. */
export interface PluginHost {
  readonly id: string;
  readonly config: ConfigReader;
  /** All sections that the configuration knows. */
  readonly sections: readonly SectionSchema[];
  readonly services: Container;
  readonly hooks: Hooks;
  readonly operations: Operations;
}

/** A plugin that has been registered, with what it opened. */
interface Loaded {
  readonly plugin: Plugin;
  readonly kernel: PluginKernel;
  readonly cleanups: Array<() => unknown>;
  started: boolean;
}

/** The plugins of one kernel, through their lives. */
export class PluginSet {
  readonly #host: PluginHost;
  readonly #loaded: Loaded[] = [];
  readonly #off: ReadonlySet<string>;
  readonly #metrics = new MetricReader();
  /** What production checks have warned of. */
  readonly #warned = new Set<string>();

  constructor(host: PluginHost, off: ReadonlySet<string>) {
    this.#host = host;
    this.#off = off;
  }

  get plugins(): Plugin[] {
    return this.#loaded.map(({ plugin }) => plugin);
  }

  has(name: string): boolean {
    return this.#loaded.some(({ plugin }) => plugin.name === name);
  }

  /** Whether the plugin behind an advice is there. By name, so that a plugin module evaluated again still counts. */
  stateOf(advice: Advice): "on" | "off" | "missing" {
    const plugin = shared.pluginOf.get(advice);
    if (!plugin || this.has(plugin.name)) return "on";
    return this.#off.has(plugin.name) ? "off" : "missing";
  }

  /** Registers plugins in the order of their dependencies; none of them starts yet. */
  async register(plugins: readonly Plugin[]): Promise<void> {
    const ordered = orderPlugins([...this.plugins, ...plugins]);
    const added = ordered
      .filter((plugin) => !this.plugins.includes(plugin))
      .map((plugin) => this.#load(plugin));
    await this.#orStop(added, async () => {
      for (const { plugin, kernel } of added) {
        await this.#step(plugin, "register", () => plugin.register?.(kernel));
        await this.#tell("plugin:registered", { name: plugin.name });
      }
      for (const { plugin, kernel } of added) addErrorRules(plugin, kernel);
    });
  }

  /** Starts what is registered and has not started, one after another. */
  async start(): Promise<void> {
    const waiting = this.#loaded.filter(({ started }) => !started);
    await this.#orStop(waiting, async () => {
      this.#refuseUnsafe(waiting);
      for (const loaded of waiting) {
        const { name } = loaded.plugin;
        const before = performance.now();
        await this.#open(loaded);
        await this.#tell("plugin:started", { name, ms: performance.now() - before });
      }
    });
  }

  /** Tells every plugin that the configuration has changed; in production, once it is found safe. */
  async reload(): Promise<void> {
    this.#refuseUnsafe(this.#loaded);
    for (const { plugin, kernel } of this.#loaded) {
      await this.#step(plugin, "reload", () => plugin.reload?.(kernel));
    }
  }

  /** After a reload that one of them refused: tells every plugin of the configuration that stays. Returns what failed. */
  async restore(): Promise<unknown[]> {
    const steps = this.#loaded.map(({ plugin, kernel }) => async () => {
      await this.#step(plugin, "reload", () => plugin.reload?.(kernel));
    });
    return collect(steps);
  }

  /** Stops everything in reverse order; one failure stops no other. Returns what failed. */
  stop(): Promise<unknown[]> {
    return this.#stop(this.#loaded);
  }

  healthChecks(): Map<string, HealthCheck> {
    const checks = this.#loaded.flatMap(({ plugin, kernel }) =>
      (plugin.healthChecks ?? []).map((make) => {
        const check = make(kernel);
        return [`${plugin.name}/${check.name}`, check] as const;
      }),
    );
    return new Map(checks);
  }

  /** What those that have started tell of themselves. */
  metrics(): MetricReading[] {
    return this.#metrics.read(this.#loaded.filter(({ started }) => started));
  }

  /** Runs a function with every plugin and the kernel as that plugin sees it. */
  forEach(visit: (plugin: Plugin, kernel: PluginKernel) => void): void {
    for (const { plugin, kernel } of this.#loaded) visit(plugin, kernel);
  }

  /** What production checks say of the configuration that is offered, whatever the environment is. */
  productionReasons(): ProductionReason[] {
    const subject = this.#productionSubject();
    const mistyped = unknownAllowed(subject, this.#loaded).map((message) => ({
      check: "@mlmcp/core/allow",
      level: "warn" as const,
      message,
    }));
    return [...mistyped, ...productionReasons(subject, this.#loaded)];
  }

  /**
   * Refuses a call where its operation has become known only since the start, and is in production
   * without the advice that protects it.
   */
  refuseUnprotected(operation: Operation, config: ConfigReader): void {
    if (config.environment !== "production") return;
    const subject = { ...this.#productionSubject(), config, operations: [operation] };
    refuseUnsafe(productionReasons(subject, [], [protectionOff]));
  }

  #refuseUnsafe(some: readonly Loaded[]): void {
    if (this.#host.config.environment !== "production") return;
    const subject = this.#productionSubject();
    const reasons = productionReasons(subject, some);
    for (const name of unknownAllowed(subject, this.#loaded)) this.#warn(name, "@mlmcp/core/allow");
    for (const { level, message, check } of reasons) {
      if (level === "warn") this.#warn(message, check);
      else if (level === "accepted") this.#warn(`Accepted by system.production.allow: ${message}`, check);
    }
    refuseUnsafe(reasons);
  }

  #productionSubject(): ProductionSubject {
    const { config, sections, operations } = this.#host;
    return { config, sections, operations: operations.all(), pluginState: (advice) => this.stateOf(advice) };
  }

  /** Once in the life of a kernel: a reload finds the same again. */
  #warn(message: string, detail: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    process.emitWarning(message, { code: "MLMCP_PRODUCTION", detail });
  }

  /** Runs a step of some plugins' start; where it fails, they are stopped. */
  async #orStop(some: readonly Loaded[], step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      const failures = await this.#stop(some);
      if (failures.length === 0) throw error;
      const { message } = error as Error;
      throw new AggregateError([error, ...failures], message, { cause: error });
    }
  }

  #load(plugin: Plugin): Loaded {
    const cleanups: Array<() => unknown> = [];
    const kernel = scopeOf(this.#host, cleanups, () => this.metrics());
    const loaded: Loaded = { plugin, cleanups, started: false, kernel };
    this.#loaded.push(loaded);
    return loaded;
  }

  /** Starts one plugin. A start that ends only after it was given up is undone when it does. */
  async #open(loaded: Loaded): Promise<void> {
    const { plugin, kernel } = loaded;
    const opening = (async () => plugin.start?.(kernel))();
    try {
      await this.#step(plugin, "start", () => opening);
      loaded.started = true;
    } catch (error) {
      if ((error as PluginError).cause instanceof TimeLimitError) void this.#undoLate(loaded, opening);
      throw error;
    }
  }

  async #undoLate(loaded: Loaded, opening: Promise<void>): Promise<void> {
    try {
      await opening;
      loaded.started = true;
    } catch {
      // That the start failed has been reported already: it was too late. Its clean-ups remain.
    }
    for (const failure of await this.#close(loaded)) {
      process.emitWarning(`After a late start: ${String(failure)}`, { code: "MLMCP_PLUGIN_STOP" });
    }
  }

  async #stop(some: readonly Loaded[]): Promise<unknown[]> {
    const failures: unknown[] = [];
    for (const loaded of [...some].reverse()) {
      const { name } = loaded.plugin;
      failures.push(...(await this.#close(loaded)));
      this.#loaded.splice(this.#loaded.indexOf(loaded), 1);
      const limit = { config: this.#host.config, setting: "stopTimeout" } as const;
      failures.push(...(await callEveryHook(this.#host.hooks, "plugin:stopped", [{ name }], limit)));
    }
    return failures;
  }

  /** The plugin's own stop, then its clean-ups, the last first; each of them once. Returns what failed. */
  async #close(loaded: Loaded): Promise<unknown[]> {
    const { plugin, kernel, cleanups, started } = loaded;
    loaded.started = false;
    const failures: unknown[] = [];
    let run: (() => unknown) | undefined = started ? () => plugin.stop?.(kernel) : cleanups.pop();
    for (; run; run = cleanups.pop()) {
      const step = run;
      failures.push(...(await collect([() => this.#step(plugin, "stop", step)])));
    }
    return failures;
  }

  async #step(
    plugin: Plugin,
    step: "register" | "start" | "reload" | "stop",
    run: () => unknown,
  ): Promise<void> {
    const { limit, late } = this.#limit(step);
    try {
      await within(limit, run, `it ${late}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new PluginError(`The plugin "${plugin.name}" failed to ${step}: ${reason}`, {
        code: `MLMCP_PLUGIN_${step.toUpperCase() as "REGISTER" | "START" | "RELOAD" | "STOP"}`,
        cause: error,
        context: { plugin: plugin.name, step },
      });
    }
  }

  async #tell<Name extends "plugin:registered" | "plugin:started">(
    name: Name,
    ...told: Parameters<KernelHooks[Name]>
  ): Promise<void> {
    const { hooks, config } = this.#host;
    await callHooks(hooks, name, told, { config, setting: "startTimeout" });
  }

  #limit(step: string): { limit: number; late: string } {
    const setting = step === "stop" ? "stopTimeout" : "startTimeout";
    const limit = this.#host.config.get<number>(`system.${setting}`);
    return { limit, late: `did not finish within ${limit} ms (system.${setting})` };
  }
}

/** Runs steps one after another; one failure stops no other. Returns what failed. */
async function collect(steps: ReadonlyArray<() => Promise<void>>): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

function scopeOf(
  host: PluginHost,
  cleanups: Array<() => unknown>,
  metrics: () => MetricReading[],
): PluginKernel {
  return {
    id: host.id,
    get config() {
      return host.config;
    },
    services: host.services,
    hooks: host.hooks,
    operations: host.operations,
    resolve: (token) => host.services.resolve(token),
    event: (name) => new EventChannel(name, { kernel: host.id }),
    metrics,
    on<Name extends EventName>(name: Name, listener: (event: PublishedEvent<Name>) => void) {
      const end = onEvent(name, (event) => {
        if (event.kernel === host.id) listener(event);
      });
      cleanups.push(end);
      return end;
    },
    onStop: (cleanup) => void cleanups.push(cleanup),
  };
}
