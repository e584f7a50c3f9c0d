import { Configuration } from "./configuration.js";
import { sourceNear, type Layer, type Path } from "./layers.js";
import { mergePlain } from "./merge.js";
import { nearest } from "./nearest.js";
import { loadPluginHint, OperationRules, type AdviceSchema } from "./operation-settings.js";
import { PluginError } from "../errors/index.js";
import { meantSetting } from "./schema/known-settings.js";
import { Places } from "./schema/places.js";
import { copyPlain, deepFreeze, setOwn, valueAt, type PlainObject } from "./plain.js";
import { mistypedEnvironment } from "./sources/environment.js";
import { withPluginMap, withPluginOptions } from "./sources/plugin-entries.js";
import { configurationError, formatPath, MAX_PROBLEMS, type ConfigProblem } from "./problems.js";
import { describeSource, type ConfigReader } from "./reader.js";
import { resolveSecrets } from "./secrets/secret-references.js";
import type { SecretResolver } from "./secrets/secrets.js";
import { checkSchema } from "./schema/schema.js";
import { coreKeys, coreSections, type SectionSchema } from "./sections.js";
import type { ConfigSources } from "./sources/sources.js";
import { readVariables, unknownVariables } from "./sources/variables.js";
import { warnOnce } from "./warnings.js";

/** What the loaded plugins make known. The sections of the core need not be among it. */
export interface KnownSchemas {
  readonly sections: readonly SectionSchema[];
  readonly advice: readonly AdviceSchema[];
  /** By section: the key of `plugins` that names its plugin and may hold options for it. */
  readonly pluginOptions?: ReadonlyMap<string, string>;
  /** By provider: what reads the secrets that `secret://<provider>/<path>` stands for. */
  readonly secretResolvers?: ReadonlyMap<string, SecretResolver>;
}

/**
 * Merges the sources, checks everything and gives the effective configuration.
 *
 * @throws ConfigurationError with all that is wrong, each with its value, its source and the nearest valid key.
 */
export async function resolveConfig(sources: ConfigSources, known: KnownSchemas): Promise<ConfigReader> {
  const problems: ConfigProblem[] = [];
  const sections = [...coreSections, ...known.sections];
  const { advice, pluginOptions = new Map<string, string>(), secretResolvers = new Map() } = known;
  refuseClashes(sections);
  const runtime = sources.runtime === undefined ? [] : [withPluginMap(sources.runtime)];
  for (const layer of [...sources.layers, ...runtime]) refuseUnknownKeys(layer, sections, problems);
  const variables = await readVariables(sources.env, sections, problems);
  const written = [
    ...withPluginOptions([...sources.layers, sources.variables], pluginOptions),
    variables.layer,
    ...withPluginOptions(runtime, pluginOptions),
  ];
  const secrets = await resolveSecrets(
    written,
    { resolvers: secretResolvers, env: sources.env, cwd: sources.cwd },
    problems,
  );
  const missing = new Set(problems.map(({ path }) => path));
  const places = new Places(sections, advice, pluginOptions);
  const layers = secrets.layers.map((layer) => places.coerceTexts(layer));

  const values: PlainObject = {};
  const wrong: ConfigProblem[] = [];
  for (const section of sections) setOwn(values, section.name, resolveSection(section, layers, wrong));
  if (sources.plugins.length > 0) {
    const settings = sources.plugins.map(({ name, enabled, options }) => [
      name,
      enabled && (options ?? true),
    ]);
    setOwn(values, "plugins", copyPlain(Object.fromEntries(settings)));
  }
  for (const key of ["operations", "app"]) {
    const merged = mergeAll(layers, key);
    if (merged !== undefined) setOwn(values, key, merged);
  }
  const rules = new OperationRules(layers, advice, wrong);
  // Where a secret could not be read, what stands in its place is not worth a word.
  for (const problem of wrong) if (!missing.has(problem.path)) problems.push(problem);
  const strict = (values["system"] as PlainObject | undefined)?.["strict"] === true;
  const strays = unknownVariables(sources.env, sections);
  const mistyped = mistypedEnvironment(sources, sourceNear(layers, ["system", "environment"]));
  if (strict) problems.push(...mistyped, ...strays);
  const isSecret = (path: Path) => places.isSecret(path) || isSetBySecret(layers, path);
  if (problems.length > 0) {
    const holdsSecret = (path: Path) => places.holdsSecret(path);
    throw configurationError(problems, { isSecret, holdsSecret });
  }
  for (const { received, source, suggestion } of mistyped) {
    const where = source ? ` (${describeSource(source)})` : "";
    warnOnce(
      "MLMCP_ENVIRONMENT_UNKNOWN",
      `The environment "${received as string}"${where} has no profile and looks mistyped. Did you mean "${suggestion}"? An empty profile says that it is meant.`,
    );
  }
  for (const { message, source, suggestion } of strays) {
    const hint = suggestion === undefined ? "" : ` Did you mean ${suggestion}?`;
    warnOnce("MLMCP_UNKNOWN_VARIABLE", `${source.name}: ${message}.${hint}`);
  }
  const files = [...new Set([...sources.files, ...variables.files, ...secrets.files])];
  const meant = (path: readonly string[]) => meantSetting(known, path);
  return new Configuration({ ...sources, files }, deepFreeze(values), layers, rules, isSecret, meant);
}

/** Whether any layer has a secret at a path. */
function isSetBySecret(layers: readonly Layer[], path: Path): boolean {
  return layers.some(
    (layer) => valueAt(layer.value, path) !== undefined && layer.source(path).secret === true,
  );
}

function refuseClashes(sections: readonly SectionSchema[]): void {
  const owners = new Map<string, string>(coreKeys.map((key) => [key, "@mlmcp/core"]));
  for (const { name, plugin } of sections) {
    const owner = owners.get(name);
    if (owner !== undefined) {
      throw new PluginError(
        `The plugin "${plugin}" claims the section "${name}" of the configuration, which is already ${owner}'s. ` +
          "Load one of them, or let one choose another section.",
        { code: "MLMCP_PLUGIN_SECTION", context: { plugin, section: name, owner } },
      );
    }
    owners.set(name, plugin);
  }
}

function refuseUnknownKeys(
  layer: Layer,
  sections: readonly SectionSchema[],
  problems: ConfigProblem[],
): void {
  const known = new Set([...sections.map(({ name }) => name), ...coreKeys]);
  let explained = false;
  for (const [key, received] of Object.entries(layer.value)) {
    if (known.has(key)) continue;
    const problem = { path: formatPath([key]), message: "unknown section", received };
    // What will not be shown is not worth looking for.
    if (problems.length >= MAX_PROBLEMS) {
      problems.push(problem);
      continue;
    }
    const suggestion = nearest(key, known);
    if (suggestion === undefined) {
      problem.message += ": no loaded plugin has it";
      if (!explained) problem.message += ` (known: ${[...known].join(", ")}). ${loadPluginHint}`;
      explained = true;
    }
    problems.push({ ...problem, source: layer.source([key]), suggestion });
  }
}

function resolveSection(
  { name, schema, plugin }: SectionSchema,
  layers: readonly Layer[],
  problems: ConfigProblem[],
): unknown {
  const of = `the section "${name}" (${plugin})`;
  const { value, issues } = checkSchema(schema, mergeAll(layers, name) ?? {}, { defaults: true, of });
  for (const { path, ...issue } of issues) {
    const source = problems.length < MAX_PROBLEMS ? sourceNear(layers, [name, ...path]) : undefined;
    problems.push({ path: formatPath([name, ...path]), ...issue, source });
  }
  return value;
}

/** What all layers say for one top-level key, a copy. */
function mergeAll(layers: readonly Layer[], key: string): unknown {
  let merged: PlainObject = {};
  for (const { value } of layers)
    if (Object.hasOwn(value, key)) merged = mergePlain(merged, { [key]: copyPlain(value[key]) });
  return merged[key];
}
