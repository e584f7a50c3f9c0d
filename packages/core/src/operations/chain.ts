import type { ConfigReader, ConfigSource, OperationSettings } from "../config/reader.js";
import { describeSource } from "../config/reader.js";
import { mergePlain } from "../config/merge.js";
import { nearest } from "../config/nearest.js";
import { describeIssues, type SecretPlaces } from "../config/problems.js";
import { redact } from "../config/secrets/redaction.js";
import { checkSchema, type JsonSchema } from "../config/schema/schema.js";
import { holdsSecretIn, isSecretIn } from "../config/schema/schema-lookup.js";
import { ConfigurationError, PluginError } from "../errors/index.js";
import type { Advice, Part } from "../plugin.js";
import type { AppliedAdvice, Operation } from "./operation.js";
import { describePlacement, rankOf, type Placement } from "./phases.js";

/** What a kernel knows that a chain depends on. */
export interface ChainContext {
  readonly config: ConfigReader;
  /** Whether the plugin that contributed the advice is loaded (`on`), turned off, or not there. */
  pluginState(advice: Advice): "on" | "off" | "missing";
}

/** One step of an operation's chain, with all that it is made of. */
export interface ChainStep {
  readonly advice: Advice;
  readonly part: Part<any>;
  readonly placement: Placement;
  readonly options: object;
}

/** An advice that an operation carries but that passes through. */
export interface SkippedAdvice {
  readonly advice: Advice;
  readonly reason: string;
}

export interface Chain {
  /** Outermost first. */
  readonly steps: readonly ChainStep[];
  readonly skipped: readonly SkippedAdvice[];
  /** Whether an advice asks for `currentOperation()`. */
  readonly wantsContext: boolean;
}

/** What `kernel.operations.explain(id)` answers. */
export interface OperationExplanation {
  readonly id: string;
  readonly source: string | undefined;
  /** Outermost first. */
  readonly chain: ReadonlyArray<{
    readonly advice: string;
    readonly placement: string;
    readonly options: ReadonlyArray<{
      readonly name: string;
      readonly value: unknown;
      readonly source: string;
    }>;
  }>;
  readonly skipped: ReadonlyArray<{ readonly advice: string; readonly reason: string }>;
}

/** Works out what stands in an operation's call path under one configuration. */
export function resolveChain(operation: Operation, context: ChainContext): Chain {
  const settings = context.config.operation(operation.id);
  const steps: ChainStep[] = [];
  const skipped: SkippedAdvice[] = [];
  let wantsContext = false;
  for (const applied of operation.advice) {
    const { advice } = applied;
    const reason = reasonToSkip(operation, advice, settings, context);
    if (reason) {
      skipped.push({ advice, reason });
      continue;
    }
    const options = effectiveOptions(operation, applied, settings, context.config);
    wantsContext ||=
      typeof advice.context === "function" ? advice.context(options) : (advice.context ?? false);
    for (const part of advice.parts) {
      if (part.when?.(options) === false) continue;
      steps.push({ advice, part, options, placement: part.at ?? "observe" });
    }
  }
  // Stable, so that within a place the written order holds.
  steps.sort((a, b) => rankOf(a.placement) - rankOf(b.placement));
  if (settings.order) reorder(operation, steps, skipped, settings.order, settings.sources.order);
  return { steps, skipped, wantsContext };
}

/** The chain for a reader, each option with where it came from. */
export function explainChain(operation: Operation, context: ChainContext): OperationExplanation {
  const { steps, skipped } = resolveChain(operation, context);
  const settings = context.config.operation(operation.id);
  return {
    id: operation.id,
    source: operation.source && `${operation.source.file}:${operation.source.line}`,
    chain: steps.map(({ advice, placement, options }) => ({
      advice: advice.name,
      placement: describePlacement(placement),
      options: Object.entries(options).map(([name, value]) => ({
        name,
        value: shownOption(advice, name, value, settings),
        source: sourceOf(operation, advice, name, settings, context.config),
      })),
    })),
    skipped: skipped.map(({ advice, reason }) => ({ advice: advice.name, reason })),
  };
}

/** An option as it may be shown: what its schema calls secret, or was read from one, is hidden. */
function shownOption(advice: Advice, name: string, value: unknown, settings: OperationSettings): unknown {
  return redact(value, [name], secretPlaces(advice, settings).isSecret);
}

/** Where an advice's options are secret: by its schema, or as they were read from a secret. */
export function secretPlaces(advice: Advice, settings?: OperationSettings): Required<SecretPlaces> {
  return {
    isSecret: (path) =>
      isSecretIn(advice.schema, path) || settings?.sources[[advice.name, ...path].join(".")]?.secret === true,
    holdsSecret: (path) => holdsSecretIn(advice.schema, path),
  };
}

/** Why an advice passes through for now; nothing where it is on. */
export function reasonToSkip(
  operation: Operation,
  advice: Advice,
  settings: OperationSettings,
  { config, pluginState }: ChainContext,
): string | undefined {
  const state = pluginState(advice);
  if (state === "missing") {
    throw new PluginError(
      `${operation.id} is decorated with @${advice.name}, whose plugin this kernel has not loaded. ` +
        "Import the plugin before `createKernel()`, list it under `plugins`, or call `await kernel.use(plugin)`.",
      { code: "MLMCP_PLUGIN_NOT_LOADED", context: { operation: operation.id, decorator: advice.name } },
    );
  }
  if (state === "off") return "its plugin is turned off";
  if (settings.advice[advice.name] === false) return `off in ${describeSettingSource(settings, advice.name)}`;
  if (advice.enabled?.(config) === false) return "turned off by a master switch of its section";
  return undefined;
}

/** Section defaults < decorator arguments < `operations`, then the schema's defaults for what is still missing. */
function effectiveOptions(
  operation: Operation,
  { advice, options }: AppliedAdvice,
  settings: OperationSettings,
  config: ConfigReader,
): object {
  const setting = settings.advice[advice.name];
  const configured = typeof setting === "object" && setting !== null ? setting : {};
  const merged = mergePlain(mergePlain(withoutUndefined(advice.defaults?.(config)), options), configured);
  const { value, issues } = checkSchema<object>(optionsSchema(advice), merged, {
    defaults: true,
    of: `@${advice.name}`,
  });
  const problems = describeIssues(issues, secretPlaces(advice, settings), [advice.name]);
  if (problems.length === 0) {
    const problem = advice.check?.(value, operation);
    if (problem) problems.push(problem);
  }
  if (problems.length > 0) {
    throw new ConfigurationError(
      `@${advice.name} on ${operation.id} cannot work:\n  ${problems.join("\n  ")}`,
      {
        code: "MLMCP_ADVICE_OPTIONS",
        context: { operation: operation.id, decorator: advice.name, problems },
      },
    );
  }
  return Object.freeze(value);
}

/** The options that a decorator's argument stands for. */
export function readOptions(advice: Advice, value: unknown): object {
  if (value === undefined || value === true) return {};
  if (advice.shorthand && typeof value !== "object") return advice.shorthand.read(value);
  return value as object;
}

const closed = new WeakMap<Advice, JsonSchema>();

/** An advice's schema as that of an object; compiled once for each advice. */
export function optionsSchema(advice: Advice): JsonSchema {
  let schema = closed.get(advice);
  if (!schema) closed.set(advice, (schema = { type: "object", properties: {}, ...advice.schema }));
  return schema;
}

/** `order` rearranges the steps of the advice that it names among the places that they have. */
function reorder(
  operation: Operation,
  steps: ChainStep[],
  skipped: readonly SkippedAdvice[],
  order: readonly string[],
  source: ConfigSource | undefined,
): void {
  const known = new Set([...steps, ...skipped].map(({ advice }) => advice.name));
  for (const name of order) {
    if (known.has(name)) continue;
    const meant = nearest(name, [...known]);
    throw new ConfigurationError(
      `The order of ${operation.id} (${source ? describeSource(source) : "operations"}) names "${name}", which is not among its advice` +
        (meant ? `. Did you mean "${meant}"?` : `: ${[...known].join(", ") || "it has none"}.`),
      { code: "MLMCP_OPERATION_ORDER", context: { operation: operation.id, order } },
    );
  }
  const places = steps.flatMap(({ advice }, index) => (order.includes(advice.name) ? [index] : []));
  const moved = places.map((index) => steps[index]!);
  moved.sort((a, b) => order.indexOf(a.advice.name) - order.indexOf(b.advice.name));
  places.forEach((place, index) => (steps[place] = moved[index]!));
}

function sourceOf(
  operation: Operation,
  advice: Advice,
  option: string,
  settings: OperationSettings,
  config: ConfigReader,
): string {
  const configured = settings.sources[`${advice.name}.${option}`];
  if (configured) return describeSource(configured);
  const written = operation.advice.find((applied) => applied.advice === advice)?.options;
  if (written && Object.hasOwn(written, option)) return `@${advice.name} in the code`;
  if (advice.defaults && Object.hasOwn(withoutUndefined(advice.defaults(config)), option))
    return "the section's default";
  return "default";
}

function describeSettingSource(settings: OperationSettings, key: string): string {
  const source = settings.sources[key];
  return source ? describeSource(source) : "the configuration";
}

function withoutUndefined(value: object = {}): object {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));
}
