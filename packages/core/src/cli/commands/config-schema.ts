import { dirname, resolve } from "node:path";
import type { CommandContext } from "../context.js";
import { CommandFailure } from "../failure.js";
import { toJson } from "../terminal.js";
import { knownTo, readConfig } from "./config-loading.js";

/**
 * `mlmcp config schema`: what may be configured, for editors. It depends on which plugins are
 * loaded, and not on whether what is configured now is right.
 */
export async function printSchema(
  context: CommandContext,
  { output }: { readonly output?: string },
): Promise<void> {
  const known = await knownTo(context, await readConfig(context));
  const { configSchema } = await import("../../config/schema/json-schema.js");
  const text = `${JSON.stringify(configSchema(known), null, 2)}\n`;
  if (output === undefined) return context.print(text);
  const file = resolve(context.terminal.cwd, output);
  const [{ makeFolder }, { writeAtomically }] = await Promise.all([
    import("../../config/writing/make-folder.js"),
    import("../../config/writing/write-atomically.js"),
  ]);
  try {
    await makeFolder(dirname(file));
    await writeAtomically(file, text);
  } catch (error) {
    throw new CommandFailure(
      `${file} cannot be written: ${(error as Error).message}`,
      "Name another one with --output.",
    );
  }
  context.print(context.options.json === true ? toJson({ file }) : `${file} is written.`);
}
