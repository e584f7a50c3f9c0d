import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The reference of all settings, read from the generated JSON Schema: every section with its keys,
 * and the options of every advice that `operations` tunes.
 *
 * @param {string} root the repository
 * @returns {string} Markdown
 */
export function configReference(root) {
  const { definitions } = JSON.parse(readFileSync(join(root, "schema/mlmcp.schema.json"), "utf8"));
  const named = (prefix) =>
    Object.entries(definitions)
      .filter(([name]) => name.startsWith(`${prefix}.`))
      .map(([name, schema]) => [name.slice(prefix.length + 1), schema]);
  return [
    "# Settings",
    "",
    "<!-- Generated from the schemas by `pnpm docs:settings`. Do not edit. -->",
    "",
    "What may stand in an rc file; [the guide](../guides/configuration.md) says how the sources are put together. A",
    "duration is a number of milliseconds or a text such as `5m`, a size a number of bytes or a text such as `64MB`.",
    "",
    "## Sections",
    ...named("section").flatMap(([name, schema]) => [
      "",
      `### ${name}`,
      "",
      ...paragraph(schema),
      "| setting | variable | takes | default | meaning |",
      "| --- | --- | --- | --- | --- |",
      ...settings(schema, [name]).map(({ path, setting }) =>
        row(code(path.join(".")), code(variable(path)), takes(setting), fallback(setting), meaning(setting)),
      ),
    ]),
    "",
    "## Operations",
    "",
    "Under `operations`, for an id or a glob. Each may also be `false` (off) or `true` (on). Options that are functions",
    "can only be given in code.",
    ...named("advice").flatMap(([name, schema]) => {
      const options = settings(schema, []);
      const short = shorthand(schema);
      return [
        "",
        `### ${name}`,
        "",
        ...paragraph(schema),
        ...(short === "" ? [] : [`Short form: ${short}.`, ""]),
        "| option | takes | default | meaning |",
        "| --- | --- | --- | --- |",
        ...options.map(({ path, setting }) =>
          row(code(path.join(".")), takes(setting), fallback(setting), meaning(setting)),
        ),
      ];
    }),
    "",
  ].join("\n");
}

function paragraph({ description }) {
  return description ? [description, ""] : [];
}

/** Every setting that is no object with settings of its own. */
function settings(schema, path) {
  const properties = Object.assign({}, ...alternatives(schema).map((one) => one.properties ?? {}));
  return Object.entries(properties).flatMap(([key, setting]) => {
    const here = [...path, key];
    const inner = settings(setting, here);
    const self = alternatives(setting).every(({ properties: keys }) => keys) ? [] : [{ path: here, setting }];
    return [...self, ...inner];
  });
}

/** What a schema admits, without the references to values elsewhere that all settings admit. */
function alternatives(schema) {
  if (!schema.anyOf) return [schema];
  return schema.anyOf.filter(({ $ref }) => $ref !== "#/definitions/reference").flatMap(alternatives);
}

function shorthand(schema) {
  return describeAll(
    alternatives(schema).filter(({ type, properties }) => !properties && type !== "boolean"),
  );
}

function takes(setting) {
  return describeAll(alternatives(setting).filter(({ properties }) => !properties));
}

function describeAll(schemas) {
  const durations = schemas.some(({ pattern = "" }) => pattern.includes("(ms|s|m|h|d)"));
  const sizes = schemas.some(({ pattern = "" }) => /KB/i.test(pattern));
  const texts = schemas.flatMap((schema) => {
    if (durations && schema.type === "number") return [`duration${bounds(schema, 0)}`];
    if (sizes && schema.type === "number") return [`size${bounds(schema, 0)}`];
    if ((durations || sizes) && schema.pattern) return [];
    return [describe(schema)];
  });
  return [...new Set(texts)].join(", ");
}

function describe(schema) {
  if ("const" in schema) return code(JSON.stringify(schema.const));
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(", ");
  if (schema.type === "array")
    return `list of: ${describeAll(alternatives(schema.items ?? {})) || "anything"}`;
  const types = [schema.type ?? "anything"].flat().join(" or ");
  return (types === "string" ? "text" : types) + bounds(schema);
}

function bounds({ minimum, maximum }, least) {
  const low = minimum !== undefined && minimum !== least ? ` ≥ ${minimum}` : "";
  // What a timer can wait for is no limit that anybody meets.
  const high = maximum !== undefined && maximum < 2 ** 31 - 1 ? ` ≤ ${maximum}` : "";
  return low + high;
}

function fallback({ default: value }) {
  if (value === undefined || (typeof value === "object" && Object.keys(value).length === 0)) return "";
  return code(typeof value === "string" ? value : JSON.stringify(value));
}

function meaning({ description = "" }) {
  return description;
}

/** The variable for a path, as `packages/core/src/config/sources/variables.ts` names it. */
function variable([section, ...keys]) {
  const snake = (camel) =>
    camel
      .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
      .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1_$2")
      .toUpperCase();
  return `MLMCP_${snake(section)}_${keys.map(snake).join("__")}`;
}

function code(text) {
  return `\`${text}\``;
}

function row(...cells) {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
