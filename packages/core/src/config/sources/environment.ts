import { settingsAt, type Layer } from "../layers.js";
import { nearest } from "../nearest.js";
import { formatPath, type ConfigProblem } from "../problems.js";
import type { ConfigSource } from "../reader.js";
import { readVariable } from "../secrets/secret-files.js";
import { isSecretReference } from "../secrets/secrets.js";

/** Those that need no profile to be known. */
const wellKnown = ["production", "development", "test", "staging"];

/**
 * Which environment was most likely meant by one that nothing is known of: it has no profile, and
 * its name is nearly another's, or the beginning of it (`prod`).
 */
export function meantEnvironment(name: string, profiles: readonly string[]): string | undefined {
  const known = [...wellKnown, ...profiles];
  if (known.includes(name)) return undefined;
  // Of a short name few letters may differ: `qa` is not a mistyped `ci`.
  const most = name.length > 3 ? 2 : name.length > 2 ? 1 : 0;
  const begun = name.length > 2 ? known.find((one) => one.startsWith(name.toLowerCase())) : undefined;
  return nearest(name, known, most) ?? begun;
}

/**
 * Where another environment than the one that is named was probably meant.
 *
 * @param source what named it
 */
export function mistypedEnvironment(
  { environment, profiles }: { readonly environment: string; readonly profiles: readonly string[] },
  source: ConfigSource | undefined,
): ConfigProblem[] {
  const suggestion = meantEnvironment(environment, profiles);
  if (suggestion === undefined) return [];
  const message = "has no profile and looks mistyped (an empty profile says that it is meant)";
  return [{ path: "system.environment", message, received: environment, source, suggestion }];
}

/** The environment, which has to be known before anything else: it chooses the profiles. */
export async function readEnvironment(
  layers: readonly Layer[],
  env: NodeJS.ProcessEnv,
  problems: ConfigProblem[],
): Promise<string> {
  const path = ["system", "environment"];
  const variable = await readVariable(env, "MLMCP_SYSTEM_ENVIRONMENT", problems);
  const written: Array<{ value: unknown; source: ConfigSource }> = settingsAt(layers, path);
  if (variable !== undefined) written.unshift({ value: variable.text, source: variable.source });
  const found = written.find(({ value }) => typeof value === "string" && value !== "");
  if (found === undefined) return "development";
  const environment = found.value as string;
  const wrong = (message: string, suggestion?: string) =>
    problems.push({
      path: formatPath(path),
      message,
      received: environment,
      source: found.source,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  // Taken for another environment it would silently lift what only production refuses.
  if (environment !== "production" && environment.trim().toLowerCase() === "production")
    wrong("is almost, but not exactly, production", "production");
  if (isSecretReference(environment)) wrong("cannot be a secret: it is shown to everybody");
  return environment;
}
