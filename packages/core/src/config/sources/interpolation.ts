import { coerce } from "./coercion.js";
import { replaceTexts, type Layer } from "../layers.js";
import { nearest } from "../nearest.js";
import { formatPath, type ConfigProblem } from "../problems.js";

/** `$${` is a `${` that refers to nothing; braces within a reference come in pairs, as in `${X:-{}}`. */
const references = /\$\$\{|\$\{((?:[^{}]|\{[^{}]*\})*)\}/g;

const form = /^([A-Za-z_]\w*)(?::-(.*))?$/s;

/**
 * Puts the values of environment variables where the texts of a layer refer to them: `${TTL}`, or
 * `${TTL:-5m}` with what holds where the variable is not set or empty. `$${TTL}` is the text
 * `${TTL}` itself. What is put in is a text, which the schema of its place reads as it reads variables.
 */
export function interpolate(layer: Layer, env: NodeJS.ProcessEnv, problems: ConfigProblem[]): Layer {
  const replaced = replaceTexts(layer, (text, path) => {
    if (!text.includes("${")) return undefined;
    const names = new Set<string>();
    const value = text.replaceAll(references, (whole, inside: string | undefined) => {
      if (inside === undefined) return "${";
      const [, name, fallback] = form.exec(inside) ?? [];
      // `hasOwn`: `${constructor}` must not meet what every object inherits.
      const found = name !== undefined && Object.hasOwn(env, name) ? env[name] : undefined;
      if (name !== undefined) names.add(`\${${name}}`);
      if (found !== undefined && (found !== "" || fallback === undefined)) return found;
      if (fallback !== undefined && !fallback.includes("${")) return fallback;
      problems.push({ path: formatPath(path), source: layer.source(path), ...fault(name, fallback, env) });
      return whole;
    });
    if (names.size === 0) return { value };
    // Which plugins are on is asked before any schema is known.
    const isSwitch = path[0] === "plugins" && path.length === 2 && typeof path[1] === "string";
    return {
      value: isSwitch ? coerce(value, { type: "boolean" }) : value,
      source: { references: [...names] },
    };
  });
  return replaced === layer ? layer : { ...replaced, written: layer.value };
}

function fault(
  name: string | undefined,
  fallback: string | undefined,
  env: NodeJS.ProcessEnv,
): Pick<ConfigProblem, "message" | "suggestion"> {
  if (name === undefined) {
    const message =
      "expected the name of a variable in `${…}`, as in `${NAME}` or `${NAME:-default}`; write `$${` for a `${` that refers to nothing";
    return { message };
  }
  if (fallback !== undefined)
    return { message: `the default of \${${name}} cannot refer to another variable` };
  // Only names that begin alike: the environment holds many that are nobody's business here.
  const alike = Object.keys(env).filter((other) => other.slice(0, 3) === name.slice(0, 3));
  const suggestion = nearest(name, alike);
  const message = `the variable ${name} is not set. Set it, or write \${${name}:-default}`;
  return { message, ...(suggestion === undefined ? {} : { suggestion: `\${${suggestion}}` }) };
}
