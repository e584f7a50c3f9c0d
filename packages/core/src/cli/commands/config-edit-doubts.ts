import { parsePath } from "../../config/problems.js";
import type { ConfigReader } from "../../config/reader.js";
import { meantEnvironment } from "../../config/sources/environment.js";

/**
 * What is most likely not as it was meant, though it is valid: a new profile whose name is nearly
 * another's, and settings of operations that change nothing.
 *
 * @param config with the edit in it
 * @param keys of the setting that was written
 * @param into the profile that it was written into, and those that there were before
 */
export async function doubtsOf(
  config: ConfigReader,
  keys: readonly string[],
  into: { readonly profile: string | undefined; readonly profiles: readonly string[] },
): Promise<string[]> {
  const { profile } = into;
  const meant = profile === undefined ? undefined : meantEnvironment(profile, into.profiles);
  const mistyped =
    meant === undefined
      ? []
      : [`the profile "${profile}" is new and looks mistyped. Did you mean "${meant}"?`];
  return [...mistyped, ...(keys[0] === "operations" ? await withoutEffect(config, keys) : [])];
}

async function withoutEffect(config: ConfigReader, keys: readonly string[]): Promise<string[]> {
  const [{ settingsWithoutEffect }, { liveOperations }] = await Promise.all([
    import("../../operations/unknown-ids.js"),
    import("../../operations/operation.js"),
  ]);
  return settingsWithoutEffect(config, [...liveOperations()])
    .filter(({ path }) => isOnOneWay(parsePath(path), keys))
    .map(({ path, message, suggestion }) => {
      const hint = suggestion === undefined ? "." : `. Did you mean "${suggestion}"?`;
      return `${path}: ${message}${hint}`;
    });
}

/** Whether one path leads to the other. */
function isOnOneWay(a: readonly string[], b: readonly string[]): boolean {
  return a.slice(0, b.length).every((key, depth) => key === b[depth]);
}
