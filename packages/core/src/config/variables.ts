import type { Layer } from "./layers.js";
import { nearest } from "./nearest.js";
import { isPlainObject, setOwn, type PlainObject } from "./plain.js";
import type { ConfigProblem } from "./problems.js";
import type { ConfigSource } from "./reader.js";
import { checkSchema, type JsonSchema } from "./schema.js";
import type { SectionSchema } from "./sections.js";

/** An environment variable that the schemas make known. */
interface Variable {
  readonly path: readonly [section: string, ...keys: string[]];
  readonly schema: JsonSchema;
}

/**
 * The name of the variable for a path: `MLMCP_MEMORY_MAX_MEMORY_MB` for `memory.maxMemoryMb`,
 * `MLMCP_MEMORY_IO__BUFFER_SIZE` for `memory.io.bufferSize`.
 */
function variableName([section, ...keys]: readonly [string, ...string[]]): string {
  return `MLMCP_${[snake(section), keys.map(snake).join("__")].filter((part) => part !== "").join("_")}`;
}

function snake(camel: string): string {
  return camel
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toUpperCase();
}

/** What the environment sets, and the `MLMCP_*` variables that mean nothing. */
interface EnvironmentLayer {
  readonly layer: Layer;
  readonly unknown: ReadonlyArray<{ readonly name: string; readonly suggestion?: string }>;
}

/**
 * Reads the variables that the sections' schemas make known, each as its schema wants it. An
 * empty one counts as not set.
 */
export function readVariables(
  env: NodeJS.ProcessEnv,
  sections: readonly SectionSchema[],
  problems: ConfigProblem[],
): EnvironmentLayer {
  const known = new Map<string, Variable[]>();
  for (const { name, schema } of sections) {
    for (const variable of variablesOf(schema, [name], schema)) {
      const key = variableName(variable.path);
      known.set(key, [...(known.get(key) ?? []), variable]);
    }
  }
  // An empty variable is how shells, compose files and CI systems write one that is not set.
  const given = Object.keys(env).filter((name) => name.startsWith("MLMCP_") && env[name]);
  const unknown: Array<{ name: string; suggestion?: string }> = [];
  const set: Array<{ name: string; variable: Variable }> = [];
  for (const name of given) {
    const [variable, ...others] = known.get(name) ?? [];
    if (variable === undefined) {
      const suggestion = nearest(name, known.keys());
      unknown.push({ name, ...(suggestion === undefined ? {} : { suggestion }) });
    } else if (others.length > 0) {
      const paths = [variable, ...others].map(({ path }) => path.join(".")).join(" or ");
      problems.push({
        path: "",
        message: `this variable may mean ${paths}: set it in the rc file`,
        source: source(name),
      });
    } else set.push({ name, variable });
  }
  // A variable for a whole object comes before those for its parts.
  set.sort((a, b) => a.variable.path.length - b.variable.path.length);
  const value: PlainObject = {};
  for (const { name, variable } of set) assign(value, variable.path, coerce(env[name]!, variable.schema));
  const names = new Map(set.map(({ name, variable }) => [variable.path.join("\0"), name]));
  return { unknown, layer: { value, source: (path) => source(nameAt(names, path)) } };
}

function source(name: string): ConfigSource {
  return { kind: "env", name };
}

/** The variable that set a path, one around it, or one inside it. */
function nameAt(names: ReadonlyMap<string, string>, path: readonly (string | number)[]): string {
  for (let length = path.length; length > 0; length--) {
    const name = names.get(path.slice(0, length).join("\0"));
    if (name !== undefined) return name;
  }
  const inside = [...names].find(([key]) => key.startsWith(`${path.join("\0")}\0`));
  return inside?.[1] ?? "the environment";
}

function assign(target: PlainObject, [key, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) return setOwn(target, key!, value);
  if (!isPlainObject(target[key!])) setOwn(target, key!, {});
  assign(target[key!] as PlainObject, rest, value);
}

function* variablesOf(
  schema: JsonSchema,
  path: readonly [string, ...string[]],
  root: JsonSchema,
): Generator<Variable> {
  const { properties } = schema;
  if (isPlainObject(properties)) {
    for (const [key, child] of Object.entries(properties as Record<string, JsonSchema>)) {
      const { $defs } = root;
      const here = [...path, key] as const;
      yield { path: here, schema: $defs === undefined ? child : { ...child, $defs } };
      yield* variablesOf(child, here, root);
    }
  }
  for (const keyword of ["anyOf", "oneOf", "allOf"]) {
    const branches = schema[keyword];
    if (Array.isArray(branches))
      for (const branch of branches as JsonSchema[]) yield* variablesOf(branch, path, root);
  }
}

/**
 * The reading of a text that the schema accepts: a number, true or false, JSON, or the text
 * itself. Where it accepts none, the one of its type, so that the error is about the value.
 */
function coerce(text: string, schema: JsonSchema): unknown {
  const all = readings(text);
  const accepted = all.find((reading) => checkSchema(schema, reading).issues.length === 0);
  if (accepted !== undefined) return accepted;
  const types = [schema["type"]].flat();
  return (
    all.find(
      (reading) =>
        types.includes(typeOf(reading)) || (typeof reading === "number" && types.includes("integer")),
    ) ?? text
  );
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}

function readings(text: string): unknown[] {
  const trimmed = text.trim();
  const found: unknown[] = [];
  if (trimmed !== "" && Number.isFinite(Number(trimmed))) found.push(Number(trimmed));
  if (/^(true|yes|on|1)$/i.test(trimmed)) found.push(true);
  if (/^(false|no|off|0)$/i.test(trimmed)) found.push(false);
  if (/^[[{]/.test(trimmed)) {
    try {
      found.push(JSON.parse(trimmed));
    } catch {
      // Not JSON: then it is a text that begins with a bracket.
    }
  }
  return [...found, text];
}
