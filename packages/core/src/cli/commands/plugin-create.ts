import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { makeFolder } from "../../config/writing/make-folder.js";
import type { CommandContext } from "../context.js";
import { CommandFailure } from "../failure.js";
import { toJson } from "../terminal.js";
import { readPluginName } from "./plugin-name.js";
import { pluginFiles } from "./plugin-template.js";

/**
 * `mlmcp plugin create <name>`: a package with a plugin that works and is tested. It is written
 * into a directory of its own; nothing that exists is overwritten.
 */
export async function createPlugin(
  context: CommandContext,
  name: string,
  options: { readonly directory?: string },
): Promise<void> {
  const names = readPluginName(name);
  const directory =
    options.directory === undefined
      ? resolve(context.place.cwd, names.unscoped)
      : resolve(context.terminal.cwd, options.directory);
  await refuseUnlessEmpty(directory);
  const files = pluginFiles(names, await coreVersion());
  try {
    for (const [path, text] of Object.entries(files)) {
      const file = join(directory, path);
      await makeFolder(dirname(file));
      await writeFile(file, text, { flag: "wx" });
    }
  } catch (error) {
    throw unusable(directory, error);
  }
  if (context.options.json === true) {
    context.print(toJson({ name, directory, files: Object.keys(files) }));
    return;
  }
  const shown = relative(context.terminal.cwd, directory) || ".";
  context.print(
    [
      `Made ${context.paint("bold", name)} in ${shown}:`,
      ...Object.keys(files).map((path) => `  ${path}`),
      "",
      `It brings @${names.word} and the section ${names.word}. Next:`,
      `  cd ${shown}`,
      "  npm install",
      "  npm test",
    ].join("\n"),
  );
}

async function refuseUnlessEmpty(directory: string): Promise<void> {
  let present: string[];
  try {
    present = await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw unusable(directory, error);
  }
  // A repository that was made for the plugin is as good as empty.
  if (present.every((name) => name === ".git")) return;
  throw new CommandFailure(
    `the directory ${directory} is not empty, and nothing in it would be overwritten`,
    "Name another one with --directory.",
  );
}

function unusable(directory: string, error: unknown): CommandFailure {
  return new CommandFailure(
    `${directory} cannot be used: ${(error as Error).message}`,
    "Name another place with --directory.",
  );
}

async function coreVersion(): Promise<string> {
  const file = createRequire(import.meta.url).resolve("@mlmcp/core/package.json");
  return (JSON.parse(await readFile(file, "utf8")) as { version: string }).version;
}
