import { compareGlobs, matchesGlob } from "./glob.js";
import type { Layer, Path } from "./layers.js";
import { mergePlain } from "./merge.js";
import { nearest } from "./nearest.js";
import { deepFreeze, isPlainObject } from "./plain.js";
import { formatPath, type ConfigProblem } from "./problems.js";
import type { ConfigSource, OperationSettings } from "./reader.js";
import { checkSchema, type JsonSchema } from "./schema/schema.js";

/** What to do where a name belongs to a plugin that is not loaded. */
export const loadPluginHint =
  "List its plugin under `plugins`, import it before the kernel is created, or correct the name; the command line also takes `--app`.";

/** An advice that `operations` may tune. */
export interface AdviceSchema {
  readonly name: string;
  readonly schema: JsonSchema;
  /** What may stand in place of options, such as a number for `retry`, and the options that it means. */
  readonly shorthand?: { readonly schema: JsonSchema; read(value: unknown): object } | undefined;
}

/** What one layer says about the operations that one glob matches. */
interface Rule {
  readonly glob: string;
  readonly source: ConfigSource;
  readonly settings: ReadonlyArray<{
    readonly name: string;
    readonly value: unknown;
    readonly source: (path: Path) => ConfigSource;
  }>;
}

/** Of an operation that nothing matches. */
export const noSettings: OperationSettings = deepFreeze({ advice: {}, sources: {} });

/**
 * The key `operations` of all layers, checked. A rule that is more specific wins over one that is
 * less (`compareGlobs`), whatever layers they stand in; between equals the higher layer, then the later one.
 */
export class OperationRules {
  readonly #rules: Rule[];
  /** The keys without `*`, with where each stands. */
  readonly ids: ReadonlyArray<{ readonly id: string; readonly source: ConfigSource }>;

  constructor(layers: readonly Layer[], advice: readonly AdviceSchema[], problems: ConfigProblem[]) {
    const known = new Map(advice.map((one) => [one.name, one]));
    const rules = layers.flatMap((layer) => readRules(layer, known, problems));
    this.#rules = rules.toSorted((a, b) => compareGlobs(a.glob, b.glob));
    this.ids = rules
      .filter(({ glob }) => !glob.includes("*"))
      .map(({ glob: id, source }) => Object.freeze({ id, source }));
  }

  for(id: string): OperationSettings {
    const advice: Record<string, unknown> = {};
    const sources: Record<string, ConfigSource> = {};
    let order: readonly string[] | undefined;
    const matching = this.#rules.filter(({ glob }) => matchesGlob(glob, id));
    if (matching.length === 0) return noSettings;
    for (const { settings } of matching) {
      for (const { name, value, source } of settings) {
        if (name === "order") order = value as string[];
        else advice[name] = combine(advice[name], value);
        sources[name] = source([]);
        if (isPlainObject(value))
          for (const option of Object.keys(value)) sources[`${name}.${option}`] = source([option]);
        else if (value !== true)
          for (const key of Object.keys(sources)) if (key.startsWith(`${name}.`)) delete sources[key];
      }
    }
    return deepFreeze({ advice, sources, ...(order === undefined ? {} : { order }) });
  }
}

/** Options change options; `true` turns on what stood there; everything else takes its place. */
function combine(base: unknown, over: unknown): unknown {
  if (isPlainObject(base) && isPlainObject(over)) return mergePlain(base, over);
  if (over === true && base !== undefined && base !== false) return base;
  return over;
}

function readRules(
  layer: Layer,
  known: ReadonlyMap<string, AdviceSchema>,
  problems: ConfigProblem[],
): Rule[] {
  const { operations } = layer.value;
  if (operations === undefined) return [];
  const wrong = (path: Path, problem: Omit<ConfigProblem, "path" | "source">) => {
    const full = ["operations", ...path];
    problems.push({ path: formatPath(full), source: layer.source(full), ...problem });
  };
  if (!isPlainObject(operations)) {
    wrong([], { message: "expected a map of operation ids or globs to settings", received: operations });
    return [];
  }
  return Object.entries(operations).flatMap(([glob, entry]) => {
    if (!isPlainObject(entry)) {
      wrong([glob], { message: "expected a map of advice to false, true or options", received: entry });
      return [];
    }
    const settings = Object.entries(entry).map(([name, given]) => {
      const short = !isPlainObject(given);
      // Options that a shorthand stands for have no place of their own.
      const source = (path: Path) => layer.source(["operations", glob, name, ...(short ? [] : path)]);
      const value =
        name === "order"
          ? readOrder(given, [glob], known, wrong)
          : readSetting(given, [glob, name], known, wrong);
      return { name, value, source };
    });
    return [{ glob, settings, source: layer.source(["operations", glob]) }];
  });
}

type Report = (path: Path, problem: Omit<ConfigProblem, "path" | "source">) => void;

function readSetting(
  value: unknown,
  path: [glob: string, name: string],
  known: ReadonlyMap<string, AdviceSchema>,
  wrong: Report,
): unknown {
  const [, name] = path;
  const advice = known.get(name);
  if (advice === undefined) {
    wrong(path, unknownAdvice(name, [...known.keys(), "order"]));
    return value;
  }
  if (typeof value === "boolean") return value;
  const shorthand = isPlainObject(value) ? undefined : advice.shorthand;
  if (!isPlainObject(value) && shorthand === undefined) {
    wrong(path, { message: "expected false, true or options", received: value });
    return value;
  }
  let options = value;
  if (shorthand) {
    const { issues } = checkSchema(shorthand.schema, value, { of: `@${name}` });
    if (issues.length > 0) {
      for (const { path: inner, ...issue } of issues) wrong([...path, ...inner], issue);
      return value;
    }
    options = shorthand.read(value);
  }
  const checked = checkSchema(partial(advice.schema), options, { of: `@${name}` });
  for (const { path: inner, ...issue } of checked.issues) wrong([...path, ...inner], issue);
  return checked.value;
}

function readOrder(
  value: unknown,
  path: Path,
  known: ReadonlyMap<string, AdviceSchema>,
  wrong: Report,
): unknown {
  const here = [...path, "order"];
  if (!Array.isArray(value))
    wrong(here, { message: "expected a list of advice, outermost first", received: value });
  else {
    for (const [index, name] of value.entries()) {
      if (!known.has(name as string)) wrong([...here, index], unknownAdvice(String(name), [...known.keys()]));
      else if (value.indexOf(name) < index)
        wrong([...here, index], { message: "is listed twice", received: name });
    }
  }
  return value;
}

function unknownAdvice(name: string, known: readonly string[]): Omit<ConfigProblem, "path" | "source"> {
  const suggestion = nearest(name, known);
  const message =
    suggestion === undefined
      ? `unknown advice "${name}": no loaded plugin has it (known: ${known.join(", ")}). ${loadPluginHint}`
      : `unknown advice "${name}"`;
  return { message, ...(suggestion === undefined ? {} : { suggestion }) };
}

const partials = new WeakMap<JsonSchema, JsonSchema>();

/** The schema for options that change others: nothing is required. */
function partial(schema: JsonSchema): JsonSchema {
  let found = partials.get(schema);
  if (found === undefined)
    partials.set(
      schema,
      (found = withoutRequired({ type: "object", properties: {}, ...schema }) as JsonSchema),
    );
  return found;
}

function withoutRequired(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutRequired);
  if (!isPlainObject(schema)) return schema;
  const { required: _, properties, ...rest } = schema;
  const loose: Record<string, unknown> = {};
  // Conditions keep theirs: they ask what is there, they do not demand it.
  for (const [key, value] of Object.entries(rest)) {
    const keyword = [
      "anyOf",
      "oneOf",
      "allOf",
      "then",
      "else",
      "items",
      "additionalProperties",
      "$defs",
    ].includes(key);
    loose[key] = keyword ? (key === "$defs" ? mapValues(value) : withoutRequired(value)) : value;
  }
  return properties === undefined ? loose : { ...loose, properties: mapValues(properties) };
}

function mapValues(schemas: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schemas as object).map(([key, schema]) => [key, withoutRequired(schema)]),
  );
}
