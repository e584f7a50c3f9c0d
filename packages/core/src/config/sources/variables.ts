import { toObject } from "./checked-object.js";
import { coerce } from "./coercion.js";
import { coreVariables } from "./core-variables.js";
import type { Layer, Path } from "../layers.js";
import { nearest } from "../nearest.js";
import { isPlainObject, setOwn, type PlainObject } from "../plain.js";
import type { ConfigProblem } from "../problems.js";
import type { ConfigSource } from "../reader.js";
import type { JsonSchema } from "../schema/schema.js";
import { schemaAt } from "../schema/schema-lookup.js";
import type { SectionSchema } from "../sections.js";
import { readVariable, type VariableText } from "../secrets/secret-files.js";
import { isSecretReference } from "../secrets/secrets.js";

/** What an environment variable sets. */
type VariablePath = readonly [section: string, ...keys: string[]];

/**
 * The name of the variable for a path: `MLMCP_MEMORY_MAX_MEMORY_MB` for `memory.maxMemoryMb`,
 * `MLMCP_MEMORY_IO__BUFFER_SIZE` for `memory.io.bufferSize`.
 */
function variableName([section, ...keys]: VariablePath): string {
  return `MLMCP_${[snake(section), keys.map(snake).join("__")].filter((part) => part !== "").join("_")}`;
}

function snake(camel: string): string {
  return camel
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toUpperCase();
}

/** What the environment sets, and from which files. */
interface EnvironmentLayer {
  readonly layer: Layer;
  /** The files of secrets that were read. */
  readonly files: readonly string[];
}

/**
 * Reads the variables that the sections' schemas make known, each as its schema wants it, and the
 * files that `<variable>_FILE` names in place of one. An empty one counts as not set.
 */
export async function readVariables(
  env: NodeJS.ProcessEnv,
  sections: readonly SectionSchema[],
  problems: ConfigProblem[],
): Promise<EnvironmentLayer> {
  const known = knownVariables(sections);
  const set: Array<VariableText & { path: VariablePath }> = [];
  for (const name of given(env)) {
    const meant = meaningOf(name, known);
    const [path, ...others] = meant?.paths.values() ?? [];
    if (meant === undefined || path === undefined) continue;
    if (others.length > 0) {
      const all = [path, ...others].map((one) => one.join(".")).join(" or ");
      const message = `this variable may mean ${all}: set it in the rc file`;
      problems.push({ path: "", message, source: { kind: "env", name } });
    }
    // Where both the variable and its file are set, one complaint about it is enough.
    else if (name === meant.name || !env[meant.name]) {
      const text = await readVariable(env, meant.name, problems, !known.has(`${meant.name}_FILE`));
      if (text !== undefined) set.push({ ...text, path });
    }
  }
  // A variable for a whole object comes before those for its parts.
  set.sort((a, b) => a.path.length - b.path.length);
  const value: PlainObject = {};
  const schemas = new Map(sections.map(({ name, schema }) => [name, schema]));
  for (const { text, path } of set) {
    const [section, ...keys] = path;
    const schema = schemaAt(schemas.get(section)!, keys) ?? {};
    assign(value, path, isSecretReference(text) ? text : coerce(text, schema));
  }
  const sources = new Map(set.map(({ path, source }) => [path.join("\0"), source]));
  const source: Layer["source"] = (path) => sourceAt(sources, path);
  return {
    layer: { value: toObject(value, source, problems), source },
    files: set.flatMap(({ source: { references = [] } }) => references),
  };
}

/** The `MLMCP_*` variables that mean nothing, each with the known one that is nearest. */
export function unknownVariables(
  env: NodeJS.ProcessEnv,
  sections: readonly SectionSchema[],
): Array<ConfigProblem & { readonly source: ConfigSource }> {
  const known = knownVariables(sections);
  const unknown = given(env).filter((name) => meaningOf(name, known) === undefined);
  if (unknown.length === 0) return [];
  const names = [...known.keys()].flatMap((name) => [name, `${name}_FILE`]);
  return unknown.map((name) => {
    const suggestion = nearest(name, names);
    const message = "no loaded plugin knows this variable";
    const source: ConfigSource = { kind: "env", name };
    return { path: "", message, source, ...(suggestion === undefined ? {} : { suggestion }) };
  });
}

/** By variable: the paths that it may mean. The core's own, of no section, have none. */
type KnownVariables = ReadonlyMap<string, ReadonlyMap<string, VariablePath>>;

function knownVariables(sections: readonly SectionSchema[]): KnownVariables {
  const known = new Map<string, Map<string, VariablePath>>();
  for (const name of coreVariables.keys()) known.set(name, new Map());
  for (const { name, schema } of sections) {
    for (const path of pathsOf(schema, [name])) {
      const key = variableName(path);
      const paths = known.get(key) ?? new Map<string, VariablePath>();
      known.set(key, paths.set(path.join("\0"), path));
    }
  }
  return known;
}

/** The variables of some sections, each with what it sets; one that may mean several things once for each. */
export function variablesOf(
  sections: readonly SectionSchema[],
): Array<{ readonly name: string; readonly path: VariablePath }> {
  return [...knownVariables(sections)].flatMap(([name, paths]) =>
    Array.from(paths.values(), (path) => ({ name, path })),
  );
}

/** The variable that a name, its own or that of its file, stands for. */
function meaningOf(name: string, known: KnownVariables) {
  const meant = known.has(name) ? name : name.replace(/_FILE$/, "");
  const paths = known.get(meant);
  return paths && { name: meant, paths };
}

/** An empty variable is how shells, compose files and CI systems write one that is not set. */
function given(env: NodeJS.ProcessEnv): string[] {
  return Object.keys(env).filter((name) => name.startsWith("MLMCP_") && env[name]);
}

/** The variable that set a path, one around it, or one inside it. */
function sourceAt(sources: ReadonlyMap<string, ConfigSource>, path: Path): ConfigSource {
  for (let length = path.length; length > 0; length--) {
    const source = sources.get(path.slice(0, length).join("\0"));
    if (source !== undefined) return source;
  }
  const [, inside] = [...sources].find(([key]) => key.startsWith(`${path.join("\0")}\0`)) ?? [];
  // What lies around a secret is none.
  return { kind: "env", name: inside?.name ?? "the environment" };
}

function assign(target: PlainObject, [key, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) return setOwn(target, key!, value);
  if (!isPlainObject(target[key!])) setOwn(target, key!, {});
  assign(target[key!] as PlainObject, rest, value);
}

function* pathsOf(schema: JsonSchema, path: readonly [string, ...string[]]): Generator<VariablePath> {
  const { properties } = schema;
  if (isPlainObject(properties)) {
    for (const [key, child] of Object.entries(properties as Record<string, JsonSchema>)) {
      const here = [...path, key] as const;
      yield here;
      yield* pathsOf(child, here);
    }
  }
  for (const keyword of ["anyOf", "oneOf", "allOf"]) {
    const branches = schema[keyword];
    if (Array.isArray(branches)) for (const branch of branches as JsonSchema[]) yield* pathsOf(branch, path);
  }
}
