import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { pathToFileURL } from "node:url";
import { configurationError } from "../problems.js";
import { isPlainObject } from "../plain.js";
import { parseText, type ParsedFile, type ParseText } from "./rc-parser.js";
import { readBounded } from "./read-file.js";

/**
 * Reads one rc file of any form, by an absolute path.
 *
 * @param draft what YAML or JSON is to be taken for its content
 * @param parse how YAML and JSON are read
 */
export async function loadRcFile(
  file: string,
  draft?: string,
  parse: ParseText = parseText,
): Promise<ParsedFile> {
  const extension = extname(file);
  if ([".js", ".mjs", ".cjs"].includes(extension))
    return { value: await run(file, importDefault), locate: () => undefined };
  if ([".ts", ".mts", ".cts"].includes(extension))
    return { value: await run(file, importTypeScript), locate: () => undefined };
  let text: string;
  try {
    text = draft ?? (await readBounded(file));
  } catch (error) {
    throw unreadable(file, error);
  }
  const parsed = parse(file, text);
  if (basename(file) !== "package.json") return parsed;
  return {
    value: isPlainObject(parsed.value) ? parsed.value["mlmcp"] : undefined,
    locate: (path) => parsed.locate(["mlmcp", ...path]),
  };
}

function unreadable(file: string, cause: unknown): Error {
  const reason =
    (cause as NodeJS.ErrnoException).code === "ENOENT"
      ? "this file does not exist"
      : `this file cannot be read: ${(cause as Error).message}`;
  return configurationError([{ path: "", message: reason, source: { kind: "file", name: file } }], {
    code: "MLMCP_CONFIG_FILE",
    cause,
  });
}

async function run(file: string, load: (file: string, text: string) => Promise<unknown>): Promise<unknown> {
  // A symlink's target decides what its relative imports mean.
  let real: string;
  let text: string;
  try {
    real = await realpath(file);
    // Importing a pipe would wait for somebody to write to it.
    text = await readBounded(real);
  } catch (error) {
    throw unreadable(file, error);
  }
  let value: unknown;
  try {
    value = await load(real, text);
  } catch (error) {
    const message = `this file cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
    throw configurationError([{ path: "", message, source: { kind: "file", name: file } }], {
      code: "MLMCP_CONFIG_FILE",
      cause: error,
    });
  }
  if (value !== undefined) return value;
  const message = "this file has no default export. Write `export default { … }` in it";
  throw configurationError([{ path: "", message, source: { kind: "file", name: file } }], {
    code: "MLMCP_CONFIG_FILE",
  });
}

async function importDefault(file: string, text: string): Promise<unknown> {
  // They make a changed file a new module: otherwise a reload would see the old one. The time alone
  // does not tell where a file is replaced by one as old, the content not where it reads others.
  const { mtimeMs } = await stat(file);
  const digest = createHash("sha256").update(text).digest("base64url");
  const { href } = pathToFileURL(file);
  return ((await import(`${href}?${mtimeMs}-${digest}`)) as { default?: unknown }).default;
}

/**
 * Node's own type stripping where it has it and the file needs no more, else cosmiconfig's
 * loader, which takes the `typescript` package up to version 6. Only this loader of cosmiconfig
 * is used: creating an explorer reads and executes `.config/config.*` of the working directory,
 * its `.js` loader runs a file that throws a second time, and its YAML loader forgets positions.
 */
async function importTypeScript(file: string, text: string): Promise<unknown> {
  if ((process.features as { typescript?: unknown }).typescript) {
    try {
      return await importDefault(file, text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") throw error;
    }
  }
  const { defaultLoaders } = await import("cosmiconfig");
  try {
    return await defaultLoaders[".ts"](file, text);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes("'typescript'")) throw error;
    throw new Error(
      "to read it, this Node needs the `typescript` package. Install it (`npm install --save-dev typescript@6`), " +
        "or write the configuration as .js or .yaml",
      { cause: error },
    );
  }
}
