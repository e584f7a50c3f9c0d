import { setMaxListeners } from "node:events";
import type { ConfigChange } from "../config/changes.js";
import type { ConfigProblem, ConfigReader, ConfigSources } from "../config/index.js";
import type { PlainObject } from "../config/plain.js";
import { withRuntime } from "../config/sources/runtime-layer.js";
import { configurationError } from "../config/problems.js";
import { PluginError } from "../errors/index.js";
import { liveOperations } from "../operations/operation.js";
import type { Operations } from "../operations/registry.js";
import { shared } from "../operations/shared-state.js";
import { reportSettingsWithoutEffect } from "../operations/unknown-ids.js";
import type { Plugin } from "../plugin.js";
import type { ConfigProvider, Configured, ReadingLimits } from "./config-provider.js";
import { auditChange } from "./audit-change.js";
import { EventChannel, type ChangeCause } from "./events.js";
import { callEveryHook, callHooks } from "./hook-calls.js";
import { drain, releaseAll, type Stoppable } from "./shutdown.js";
import { StepQueue } from "./step-queue.js";
import { within } from "./time-limit.js";

interface LifecycleParts extends Stoppable {
  readonly provider: ConfigProvider;
  readonly configured: Configured;
  readonly operations: Operations;
}

type State = "registered" | "running" | "draining" | "stopped";

/**
 * How a kernel starts, takes plugins, reloads and stops. These pass through one queue, and each
 * looks at the state when its turn has come.
 */
export class Lifecycle {
  readonly #parts: LifecycleParts;
  readonly #queue: StepQueue;
  /** Tells what reads the configuration that the kernel stops. */
  readonly #reading = new AbortController();
  #configured: Configured;
  /** What a reload shows to the plugins, until all of them have taken it. */
  #offered: ConfigReader | undefined;
  #state: State = "registered";
  #stopping: Promise<void> | undefined;
  #halted: Promise<void> | undefined;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    this.#queue = new StepQueue(parts.kernel);
    this.#configured = parts.configured;
    setMaxListeners(0, this.#reading.signal);
  }

  get config(): ConfigReader {
    return this.#configured.config;
  }

  /** The configuration as the plugins see it. */
  get offered(): ConfigReader {
    return this.#offered ?? this.config;
  }

  get sources(): ConfigSources {
    return this.#configured.sources;
  }

  get stopped(): boolean {
    return this.#state === "stopped";
  }

  start(): Promise<void> {
    const { plugins, operations, hooks } = this.#parts;
    return this.#enqueue("start", async () => {
      if (this.#state !== "registered") return;
      try {
        await plugins.start();
        reportSettingsWithoutEffect(this.config, operations);
        this.#takeCalls();
        await callHooks(hooks, "kernel:started", [], { config: this.config, setting: "startTimeout" });
      } catch (error) {
        // What stopping adds to it is of no use to the reader of why the start failed.
        await this.#halt().catch(() => undefined);
        throw error;
      }
    });
  }

  use(plugin: Plugin): Promise<void> {
    return this.#enqueue(`use the plugin "${plugin.name}"`, async () => {
      const { plugins, paths } = this.#parts;
      if (plugins.plugins.includes(plugin)) return;
      const previous = this.#configured;
      const { sources } = previous;
      this.#configured = { sources, config: await this.#validate(sources, [...plugins.plugins, plugin]) };
      try {
        await plugins.register([plugin]);
        if (this.#state === "running") await plugins.start();
      } catch (error) {
        this.#configured = previous;
        throw error;
      } finally {
        // Also where it failed: calls have met its advice and its configuration meanwhile.
        paths.forget();
      }
    });
  }

  /** Reads the sources again, and takes up what they come to or nothing of it. */
  async reload(by: ChangeCause): Promise<void> {
    try {
      await this.#change("reload", by, (sources) => this.#parts.provider.reread(sources, this.#limits));
    } catch (error) {
      new EventChannel("kernel:reload-failed", { kernel: this.#parts.kernel.id }).publish({ by, error });
      throw error;
    }
  }

  /** Changes what was set at run time, as one change that takes effect or is refused. */
  change(edit: (runtime: PlainObject) => PlainObject): Promise<void> {
    return this.#change("change the configuration", "set", (sources) => withRuntime(sources, edit));
  }

  /** What a reload would find wrong before it asks the plugins. */
  async problems(): Promise<ConfigProblem[]> {
    const { provider, plugins, operations } = this.#parts;
    try {
      const sources = await provider.preview(this.sources, this.#limits);
      const config = await this.#validate(sources, plugins.plugins);
      const broken = operations.brokenBy(config, this.config);
      if (broken.length > 0) return broken;
      return config.environment === "production" ? this.#refusalsOf(config) : [];
    } catch (error) {
      if (this.#reading.signal.aborted) throw error;
      return problemsOf(error);
    }
  }

  /** For what production would refuse a configuration that is not in effect. */
  #refusalsOf(config: ConfigReader): ConfigProblem[] {
    const before = this.#offered;
    this.#offered = config;
    try {
      const reasons = this.#parts.plugins.productionReasons();
      return reasons.flatMap(({ level, message }) => (level === "refuse" ? { path: "", message } : []));
    } finally {
      this.#offered = before;
    }
  }

  stop(): Promise<void> {
    this.#abandonReading();
    const stopping = (this.#stopping ??= this.#queue.run(() => this.#halt()));
    if (!this.#queue.inside) return stopping;
    // To wait for it here would be to wait for the step that asks.
    stopping.catch((error: unknown) => process.emitWarning(String(error), { code: "MLMCP_STOP_FAILED" }));
    return Promise.resolve();
  }

  refuseWhenStopped(what: string): void {
    if (this.#state === "stopped") throw stoppedError(what, "has stopped");
  }

  /** Nothing depends yet on what is read: a stop need not wait for it. */
  #abandonReading(): void {
    this.#reading.abort(stoppedError("read the configuration", "is stopping"));
  }

  get #limits(): ReadingLimits {
    return { timeout: this.config.get("system.startTimeout"), signal: this.#reading.signal };
  }

  /** What sources come to. Variables and references in them may name files and secrets, which take their time. */
  async #validate(sources: ConfigSources, plugins: readonly Plugin[]): Promise<ConfigReader> {
    const { timeout, signal } = this.#limits;
    const message = `the files and secrets that it names were not read within ${timeout} ms (system.startTimeout)`;
    const late = (): Error => configurationError([{ path: "", message }], { code: "MLMCP_CONFIG_FILE" });
    return within(timeout, () => this.#parts.provider.validate(sources, plugins), late, signal);
  }

  async #change(
    what: string,
    by: ChangeCause,
    next: (sources: ConfigSources) => ConfigSources | Promise<ConfigSources>,
  ): Promise<void> {
    let change: ConfigChange | undefined;
    try {
      await this.#enqueue(what, async () => {
        const previous = this.#configured;
        const sources = await next(previous.sources);
        if (sources === previous.sources) return;
        await this.#takeUp(sources);
        change = { config: this.config, previous: previous.config };
        await auditChange(change, by);
        await this.#tell(change, by);
      });
    } finally {
      // When the step has ended, so that a listener may change something in its turn.
      if (change) this.#parts.listeners.notify(change);
    }
  }

  /** Makes the sources the configuration in effect; where a plugin refuses, the one before stays. */
  async #takeUp(sources: ConfigSources): Promise<void> {
    const { plugins, paths, operations } = this.#parts;
    const config = await this.#validate(sources, plugins.plugins);
    const broken = operations.brokenBy(config, this.config);
    if (broken.length > 0) throw configurationError(broken, { code: "MLMCP_ADVICE_OPTIONS" });
    this.#offered = config;
    try {
      reportSettingsWithoutEffect(config, operations);
      await plugins.reload();
      this.#configured = { sources, config };
    } catch (error) {
      this.#offered = undefined;
      for (const failure of await plugins.restore()) {
        process.emitWarning(`A refused reload could not be taken back: ${String(failure)}`, {
          code: "MLMCP_RELOAD_RESTORE",
        });
      }
      throw error;
    } finally {
      this.#offered = undefined;
      paths.forget();
    }
  }

  async #tell(change: ConfigChange, by: ChangeCause): Promise<void> {
    const { kernel, hooks } = this.#parts;
    const { config } = change;
    const limit = { config, setting: "startTimeout" } as const;
    // The change has taken effect: to fail now would say that it has not.
    for (const error of await callEveryHook(hooks, "kernel:reloaded", [change], limit)) {
      process.emitWarning(`A hook "kernel:reloaded" failed: ${String(error)}`, {
        code: "MLMCP_LISTENER_FAILED",
      });
    }
    new EventChannel("kernel:reloaded", { kernel: kernel.id }).publish({ by, file: config.file });
  }

  async #enqueue(what: string, step: () => Promise<void>): Promise<void> {
    const refuse = (): void => {
      this.refuseWhenStopped(what);
      if (this.#stopping || this.#state === "draining") throw stoppedError(what, "is stopping");
    };
    refuse();
    if (this.#queue.inside) {
      throw new PluginError(
        `Cannot ${what} from inside a hook of the kernel's own start, reload or stop, which would wait for itself. ` +
          "Do it after that step, for example in `setImmediate(...)`.",
        { code: "MLMCP_KERNEL_BUSY" },
      );
    }
    return this.#queue.run(async () => {
      // A stop may have been asked for meanwhile, and a failed start stops by itself.
      refuse();
      await step();
    });
  }

  #takeCalls(): void {
    this.#state = "running";
    shared.running.add(this.#parts.kernel);
    // The second kernel ends the time in which a path could stand in its operation for good.
    if (++shared.kernels > 1) for (const operation of liveOperations()) operation.reset();
  }

  #halt(): Promise<void> {
    return (this.#halted ??= this.#stopEverything());
  }

  async #stopEverything(): Promise<void> {
    const { config } = this;
    this.#abandonReading();
    const failures: unknown[] = [];
    if (this.#state === "running") {
      this.#state = "draining";
      failures.push(...(await drain(this.#parts, config)));
    }
    this.#state = "stopped";
    failures.push(...(await releaseAll(this.#parts, config)));
    if (failures.length > 0) {
      throw new AggregateError(
        failures,
        `The kernel has stopped, but ${failures.length} step(s) of it failed.`,
      );
    }
  }
}

function stoppedError(what: string, how: string): PluginError {
  return new PluginError(`Cannot ${what}: the kernel ${how}. Create another with \`await createKernel()\`.`, {
    code: "MLMCP_KERNEL_STOPPED",
  });
}

function problemsOf(error: unknown): ConfigProblem[] {
  const { context, message } = error as { context?: { issues?: unknown }; message?: string };
  if (Array.isArray(context?.issues)) return context.issues as ConfigProblem[];
  return [{ path: "", message: message ?? String(error) }];
}
