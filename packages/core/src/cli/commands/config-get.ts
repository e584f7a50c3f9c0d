import { valueAt } from "../../config/plain.js";
import { formatPath } from "../../config/problems.js";
import type { CommandContext } from "../context.js";
import { CommandFailure } from "../failure.js";
import { inline, toJson } from "../terminal.js";
import { keysOf, notSet, readable } from "./config-settings.js";

/**
 * `mlmcp config get <path>`: the value alone. Texts are printed as they are, everything else as
 * JSON; on a terminal a length of time and a size with its unit.
 */
export async function getSetting(
  context: CommandContext,
  path: string,
  { reveal }: { readonly reveal?: boolean },
): Promise<void> {
  const keys = keysOf(path);
  const { config, inspection } = await context.kernel();
  const name = formatPath(keys);
  const value = valueAt(config.get(""), keys);
  if (value === undefined) throw await notSet(keys, config, inspection.known);
  const shown = reveal === true ? value : config.redacted(name);
  if (shown !== value && typeof value !== "object") {
    throw new CommandFailure(`${name} is a secret`, "Add --reveal to print it all the same.");
  }
  if (context.options.json === true) context.print(toJson(shown));
  else if (context.terminal.stdout.isTTY === true) context.print(readable(inspection.known, keys, shown));
  else context.print(inline(shown));
}
