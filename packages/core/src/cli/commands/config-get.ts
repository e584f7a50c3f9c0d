import { formatPath } from "../../config/problems.js";
import type { CommandContext } from "../context.js";
import { CommandFailure } from "../failure.js";
import { inline, toJson } from "../terminal.js";
import { keysOf, notSet } from "./config-settings.js";

/** `mlmcp config get <path>`: the value alone. Texts are printed as they are, everything else as JSON. */
export async function getSetting(
  context: CommandContext,
  path: string,
  { reveal }: { readonly reveal?: boolean },
): Promise<void> {
  const keys = keysOf(path);
  const { config, inspection } = await context.kernel();
  const name = formatPath(keys);
  const value = config.get<unknown>(name);
  if (value === undefined) throw await notSet(keys, config, inspection.known);
  const shown = reveal === true ? value : config.redacted(name);
  if (shown !== value && typeof value !== "object") {
    throw new CommandFailure(`${name} is a secret`, "Add --reveal to print it all the same.");
  }
  context.print(context.options.json === true ? toJson(shown) : inline(shown));
}
