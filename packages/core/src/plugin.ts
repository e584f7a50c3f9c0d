/**
 * The plugin API, whole: what a plugin is, what a decorator contributes to a call, and what
 * the kernel gives to both. Every built-in feature is written against this file, and so is a
 * third party's.
 *
 * A complete plugin with one decorator:
 *
 * ```ts
 * import { createMethodDecorator, definePlugin } from "@mlmcp/core";
 *
 * export const shouted = createMethodDecorator<{ mark?: string }>({
 *   name: "shouted",
 *   schema: { type: "object", properties: { mark: { type: "string", default: "!" } } },
 *   serves: { sync: true },
 *   parts: [
 *     {
 *       at: { after: "cache" },
 *       around: (next, { options }) => (self, args) => {
 *         const shout = (text: unknown) => String(text).toUpperCase() + options.mark;
 *         const result = next(self, args);
 *         return result instanceof Promise ? result.then(shout) : shout(result);
 *       },
 *     },
 *   ],
 * });
 *
 * export default definePlugin({ name: "plugin-shout", decorators: [shouted] });
 * ```
 *
 * @module
 */
import { PluginError } from "./errors/index.js";
import { problemOf } from "./kernel/plugin-definition.js";
import { shared } from "./operations/shared-state.js";
import type { ConfigReader } from "./config/reader.js";
import type { JsonSchema } from "./config/schema/schema.js";
import type { SecretResolver } from "./config/secrets/secrets.js";
import type { EventChannel, EventName, PublishedEvent } from "./kernel/events.js";
import type { Hooks } from "./kernel/hooks.js";
import type { HealthCheck } from "./kernel/health.js";
import type { MetricReading, MetricSample } from "./kernel/metrics.js";
import type { Registrar, Token } from "./kernel/container.js";
import type { Call, CallChanges, CallScope, OutcomeNotes } from "./operations/call.js";
import type { AnyDecorator, DecorationOptions } from "./operations/decorator-types.js";
import type { OperationInfo } from "./operations/operation.js";
import type { OperationRegistry } from "./operations/registry.js";
import type { Phase, Placement } from "./operations/phases.js";
import type { ErrorRule } from "./resilience/classification/error-rule.js";

export type { Phase, Placement };

/**
 * One step of a compiled call path. `self` is the method's `this`, `args` the arguments of
 * this call; what it returns is what the caller, or the step outside it, gets.
 */
export type Invoke = (self: unknown, args: unknown[]) => unknown;

/**
 * What the engine tells a part about the operation that it is compiled into. A binding lives
 * as long as one compiled chain: until the next reload or stop. Its functions may be taken off it.
 */
export interface Binding<Options extends object = object> {
  readonly operation: OperationInfo;
  /** Effective options: section defaults < decorator arguments < `operations` in the configuration. */
  readonly options: Readonly<Options>;
  readonly config: ConfigReader;
  /** A service of the kernel, by class or token. */
  resolve<T>(this: void, token: Token<T>): T;
  /**
   * The call that is running, or `undefined` where no context is kept. Read it when the step
   * runs, never when it is compiled.
   */
  call(this: void): Call | undefined;
  /**
   * Runs the next step in a call derived from the running one: a retry gives each attempt its
   * number, a timeout its signal and deadline. Without context it is `next(self, args)`.
   */
  derive(this: void, changes: CallChanges, next: Invoke, self: unknown, args: unknown[]): unknown;
  /**
   * As `derive`, for a step that must abort the derived call, or run it detached from the running
   * one. `undefined` where there is no context to derive from, or to be detached from.
   */
  fork(this: void, changes: CallChanges): CallScope | undefined;
  /**
   * A promise of a value that is there without waiting, such as one that is remembered: the cheapest
   * answer that a step can give. The value must be no promise.
   */
  settled<T>(this: void, value: T): Promise<T>;
  /** Says how the result came about; `kernel.outcome()` shows it to the caller. */
  note(this: void, notes: OutcomeNotes): void;
  /**
   * A channel for what happens in calls of this operation. Check `active` before building a
   * payload: without a subscriber publishing costs one property read.
   */
  event<Name extends EventName>(this: void, name: Name): EventChannel<Name>;
  /**
   * State that survives a reload as long as the effective options stay equal, such as a
   * breaker. `dispose` runs when the options change and when the kernel stops. A decorator
   * that keeps several states names each. It must not be a closure made where the binding is at
   * hand, which would hold the operation: a class made in a loop could not be collected.
   */
  keep<State>(this: void, name: string, create: () => State, dispose?: (state: State) => void): State;
}

/** A part that stands in the call path: it decides whether, when and how often `next` runs. */
export interface AroundPart<Options extends object> {
  /** Where it stands: in a phase, or directly outside (`before`) or inside (`after`) one. */
  at: Placement;
  /** Left out of the chain unless this is true of the effective options. Default: always in. */
  when?(options: Options): boolean;
  around(next: Invoke, binding: Binding<Options>): Invoke;
}

/**
 * What an {@link AfterPart} does around a call. `begun` is what `begin` gave. A handler that is
 * left out hands the outcome on.
 */
export interface After<Begun = any> {
  /** Before the next step runs. What it throws is how the call ends for all that stands outside. */
  begin?(self: unknown, args: unknown[]): Begun;
  /** Gives what stands in the value's place: the value itself, another, or a promise of one. */
  returned?(value: unknown, begun: Begun, self: unknown, args: unknown[]): unknown;
  /** Gives a value, or a promise of one, in the error's place; or throws, the same error or another. */
  threw?(error: unknown, begun: Begun, self: unknown, args: unknown[]): unknown;
}

/**
 * A part that lets every call pass and has a say in how it ends: after-advice in the words of
 * AspectJ, returning and throwing. Cheaper than an `around`, because several in a row share one
 * continuation, with the engine's own where they stand outermost. Only for advice without
 * `serves.sync`.
 */
export interface AfterPart<Options extends object> {
  at: Placement;
  when?(options: Options): boolean;
  /** `next` makes the call again, as a retry does. */
  after(next: Invoke, binding: Binding<Options>): After;
}

/**
 * Sees every call begin and end without standing in its way. `end` runs exactly once for each
 * `start`: when a plain value is returned, a promise settles, or an iteration finishes, fails
 * or is left. What either throws is reported as the event `advice:failed` and never reaches
 * the caller.
 */
export interface Observer<Started = unknown> {
  /** Its result is handed to `end`. */
  start(self: unknown, args: unknown[]): Started;
  /** `outcome` is the value or, where `ok` is false, what was thrown. */
  end(started: Started, ok: boolean, outcome: unknown): void;
}

/** A part that only observes. Cheaper than an `around`: it shares the engine's own continuation. */
export interface ObservePart<Options extends object> {
  /** @default "observe" */
  at?: Placement;
  when?(options: Options): boolean;
  observe(binding: Binding<Options>): Observer<any>;
}

export type Part<Options extends object> = AroundPart<Options> | AfterPart<Options> | ObservePart<Options>;

/** What one decorator adds to an operation. */
export interface Advice<Options extends object = any, Shorthand = any> {
  /** The decorator's name and its key under `operations` in the configuration: `cached`. */
  readonly name: string;
  /**
   * JSON Schema of the options, with their defaults. The keywords `duration` and `size` turn
   * `"5m"` into milliseconds and `"64MB"` into bytes; `typeof: "function"` admits a function.
   * `name`, `only` and `except` belong to the engine.
   */
  readonly schema: JsonSchema;
  /** Reads what may stand in place of the options, such as the number in `@retry(3)`. */
  readonly shorthand?: {
    readonly schema: JsonSchema;
    /** The options that it stands for, the engine's own `name` among them. */
    read(value: Shorthand): Options & DecorationOptions;
  };
  /** One entry for each phase that the decorator takes part in. */
  readonly parts: ReadonlyArray<Part<Options>>;
  /** Defaults that come from the plugin's section, such as `cache.ttl` for `@cached`. */
  defaults?(config: ConfigReader): Partial<Options>;
  /** A master switch: where it answers false the advice passes through. */
  enabled?(config: ConfigReader): boolean;
  /**
   * For advice that guards the application: what is lost where it is off, such as `"arguments
   * reach the method unchecked"`. Production does not start with such advice off, unless
   * `system.production.allow` accepts it.
   */
  readonly protects?: string;
  /** What kinds of result it can serve besides promises. Default: neither. */
  readonly serves?: {
    /** Methods that return a plain value stay synchronous under it. */
    readonly sync?: boolean;
    /** Methods that return an async iterable. */
    readonly streams?: boolean;
  };
  /** Whether its methods need `currentOperation()`. @default false */
  readonly context?: boolean | ((options: Options) => boolean);
  /**
   * Names of the settings that these options give. Two decorators that give one setting on one
   * method (`@timeout` and `@degrade({ timeout })`) are an error.
   */
  settings?(options: Options): readonly string[];
  /**
   * Checks the options against the method when the first call compiles its chain; returns what
   * is wrong, or nothing.
   */
  check?(options: Options, operation: OperationInfo): string | undefined;
}

/** What a plugin's hooks are given: the kernel, seen from one plugin. */
export interface PluginKernel {
  /** Distinguishes the kernels of one process. */
  readonly id: string;
  readonly config: ConfigReader;
  readonly services: Registrar;
  readonly hooks: Hooks;
  readonly operations: OperationRegistry;
  resolve<T>(token: Token<T>): T;
  event<Name extends EventName>(name: Name): EventChannel<Name>;
  /**
   * What the plugins of this kernel that have started tell of themselves at this moment, for one that
   * exports it.
   */
  metrics(): readonly MetricReading[];
  /** Listens to what happens in this kernel until it stops. What the listener throws is a warning, never an error of the call. */
  on<Name extends EventName>(name: Name, listener: (event: PublishedEvent<Name>) => void): () => void;
  /** Runs after the plugin's own `stop`, last registered first, also when a later step of the start failed. */
  onStop(cleanup: () => void | Promise<void>): void;
}

/** A reason not to start in production, nor to take a configuration in a reload there. */
export interface ProductionCheck {
  /** Unique in the plugin: `<plugin>/<name>` under `system.production.allow` accepts what it refuses. */
  readonly name: string;
  /**
   * Answers what is unsafe and what to do, or nothing. `warn` lets the start go on; what it throws
   * refuses it. Runs before the plugin has started.
   */
  check(kernel: PluginKernel): { readonly level: "refuse" | "warn"; readonly message: string } | undefined;
}

/**
 * A number that a plugin can tell whenever it is asked, such as how full something is, or how much
 * has been dropped. What happens in calls is better published as an event.
 */
export interface Metric {
  /**
   * As Prometheus has names: a prefix of the plugin's own, base units (`_bytes`, `_seconds`), and
   * `_total` at the end of counters, as in `audit_queue_bytes`.
   */
  readonly name: string;
  /** A sentence that says what it is. */
  readonly help: string;
  /** A gauge goes up and down; a counter only grows while the kernel runs. */
  readonly type: "gauge" | "counter";
  /** The present value, or one for each set of labels. Asked at each scrape, so it must be quick and ask nobody. */
  read(kernel: PluginKernel): number | Iterable<MetricSample>;
}

/** A rule of `mlmcp doctor`: what it looks for, and what it found. */
export interface Diagnostic {
  /** Stable, for people who look it up or turn it off: `cache-of-nothing`. */
  readonly rule: string;
  /** Runs in a kernel that has started, where it could. Answers one finding for each thing that is wrong. */
  diagnose(kernel: PluginKernel): readonly Finding[] | Promise<readonly Finding[]>;
}

/** Something that `mlmcp doctor` advises to change. */
export interface Finding {
  readonly level: "error" | "warning";
  /** What was found, and where: an operation, a file, a setting with its source. */
  readonly message: string;
  /** What mends it. */
  readonly mend: string;
}

/** A command that a plugin adds to `mlmcp`. */
export interface Command {
  /** Words after `mlmcp`: `"cache stats"`. */
  readonly name: string;
  readonly description: string;
  /** Positional arguments in commander's notation: `"<id>"`, `"[file]"`. */
  readonly arguments?: readonly string[];
  /**
   * What it would destroy: `"All cached results are deleted."`. Such a command asks before it
   * runs, needs `--force` in production, and is written to the audit log.
   */
  readonly destroys?: string;
  /** Options in commander's notation. */
  readonly options?: ReadonlyArray<{ readonly flags: string; readonly description: string }>;
  /**
   * What may stand in place of an argument or of an option's value, by its name, for completion in a
   * shell: `{ operation: (kernel) => kernel.operations.list().map(({ id }) => id) }`. The kernel has not started.
   */
  readonly values?: Readonly<
    Record<string, (kernel: PluginKernel) => readonly string[] | Promise<readonly string[]>>
  >;
  /** What is printed for a person in place of what `run` returned, which `--json` prints: rows with units, or text. */
  present?(result: any): unknown;
  /** What is wrong, where the result says so. It is printed, and then the command fails with this. */
  failure?(result: any): string | undefined;
  /** What it returns is printed: text as it is, anything else as a table, or as JSON under `--json`. */
  run(input: {
    readonly kernel: PluginKernel;
    readonly args: readonly string[];
    readonly options: Readonly<Record<string, unknown>>;
    /** Shows how much is done, 0 to 1, to somebody at a terminal. Missing where nobody watches. */
    readonly progress?: ((share: number) => void) | undefined;
  }): unknown;
}

export interface PluginDefinition {
  /** Unique in a kernel; by custom the package's name. */
  readonly name: string;
  /** The plugin's part of the configuration: `cache`. */
  readonly section?: string;
  /** JSON Schema of the section, with defaults. Same keywords as {@link Advice.schema}. */
  readonly schema?: JsonSchema;
  /** Plugins that must be there and start before this one. */
  readonly dependsOn?: readonly string[];
  /** Plugins that start before this one where they are there. */
  readonly optionalDependsOn?: readonly string[];
  /** Importing any of these is enough for the plugin to be loaded. */
  readonly decorators?: readonly AnyDecorator[];
  /** Adds services. Every plugin is registered before the first one starts. */
  register?(kernel: PluginKernel): void;
  /** Opens what the plugin needs. Services of the plugins it depends on are started. */
  start?(kernel: PluginKernel): void | Promise<void>;
  /** The configuration has changed; `kernel.config` is the new one. */
  reload?(kernel: PluginKernel): void | Promise<void>;
  /** Closes everything, in reverse order of start, once no call is in flight. */
  stop?(kernel: PluginKernel): void | Promise<void>;
  readonly commands?: readonly Command[];
  readonly healthChecks?: ReadonlyArray<(kernel: PluginKernel) => HealthCheck>;
  readonly metrics?: readonly Metric[];
  readonly productionChecks?: readonly ProductionCheck[];
  readonly diagnostics?: readonly Diagnostic[];
  readonly secretResolvers?: readonly SecretResolver[];
  /**
   * What the plugin knows about errors, such as those of the library that it wraps: joins the
   * kernel's `ErrorClassifier` when the plugin is registered and leaves it when the plugin stops.
   * The first rule that matches speaks; those of a plugin registered later speak before it, then
   * the application's own, and `errorHandling.rules` of the configuration before all.
   */
  readonly errorRules?: readonly ErrorRule[];
}

/** A plugin, as `definePlugin` returns it. */
export type Plugin = Readonly<PluginDefinition> & { readonly [pluginBrand]: true };

/** Marks a plugin across copies of this package. */
export const pluginBrand: unique symbol = Symbol.for("@mlmcp/core/plugin");

/** Tells a plugin from anything else, also one that another copy of this package defined. */
export function isPlugin(value: unknown): value is Plugin {
  return typeof value === "object" && value !== null && (value as Partial<Plugin>)[pluginBrand] === true;
}

/**
 * Declares a plugin. Importing the module that calls it is enough for every kernel that is
 * created later to load a plugin that has decorators; `plugins: { "<name>": false }` in the
 * configuration turns it off.
 *
 * @throws PluginError where the definition breaks a rule that does not need a kernel to see.
 */
export function definePlugin(definition: PluginDefinition): Plugin {
  const problem = problemOf(definition);
  if (problem)
    throw new PluginError(problem.message, { code: "MLMCP_PLUGIN_INVALID", context: problem.context });
  const plugin: Plugin = Object.freeze({ ...definition, [pluginBrand]: true as const });
  for (const { advice } of plugin.decorators ?? []) shared.pluginOf.set(advice, plugin);
  if (plugin.decorators?.length) shared.plugins.set(plugin.name, plugin);
  return plugin;
}
