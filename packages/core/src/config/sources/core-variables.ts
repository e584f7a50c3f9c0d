import { toObject } from "./checked-object.js";
import type { Layer } from "../layers.js";
import { setOwn, type PlainObject } from "../plain.js";
import type { ConfigProblem } from "../problems.js";
import type { ConfigSource } from "../reader.js";
import { readVariable } from "../secrets/secret-files.js";

/** The variables of top-level keys that are no sections. */
export const coreVariables: ReadonlyMap<string, "plugins" | "operations"> = new Map([
  ["MLMCP_PLUGINS", "plugins"],
  ["MLMCP_OPERATIONS", "operations"],
]);

/** Reads them: `MLMCP_PLUGINS` as JSON or with commas between the names, `MLMCP_OPERATIONS` as JSON. */
export async function readCoreVariables(
  env: NodeJS.ProcessEnv,
  problems: ConfigProblem[],
): Promise<{ readonly layer: Layer; readonly files: readonly string[] }> {
  const value: PlainObject = {};
  const sources = new Map<string, ConfigSource>();
  for (const [name, key] of coreVariables) {
    const variable = await readVariable(env, name, problems);
    if (variable === undefined) continue;
    const { text, source } = variable;
    sources.set(key, source);
    if (key === "plugins" && !/^\s*[[{]/.test(text)) {
      const names = text.split(",").map((part) => part.trim());
      setOwn(
        value,
        key,
        names.filter((part) => part !== ""),
      );
      continue;
    }
    try {
      setOwn(value, key, JSON.parse(text));
    } catch (error) {
      // The rest of the error's message is the text, which may hold secrets.
      const [place = ""] = / at position \d+/.exec((error as Error).message) ?? [];
      problems.push({ path: key, message: `is no valid JSON${place}`, source });
    }
  }
  const source: Layer["source"] = ([key]) =>
    sources.get(String(key)) ?? { kind: "env", name: "the environment" };
  const layer = { value: toObject(value, source, problems), source };
  return { layer, files: [...sources.values()].flatMap(({ references = [] }) => references) };
}
