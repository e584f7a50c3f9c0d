import { realpath } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, isAbsolute, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { toObject } from "./checked-object.js";
import { interpolate } from "./interpolation.js";
import type { Origin } from "./origins.js";
import { relativeTo } from "./plugin-entries.js";
import type { ConfigProblem } from "../problems.js";
import { loadRcFile } from "./rc-loader.js";
import type { ParsedFile, ParseText } from "./rc-parser.js";
import type { ConfigSource } from "../reader.js";

/**
 * Reads an rc file and all that it extends, each once: the lowest rank first, so that a file
 * comes after those that it names under `extends`, and a later one of these after an earlier.
 *
 * @param options.draft what is to be taken for the content of the rc file itself
 * @param options.parse how YAML and JSON are read
 * @param begin is told of each file before it is read
 */
export async function readWithBases(
  root: string,
  env: NodeJS.ProcessEnv,
  problems: ConfigProblem[],
  { draft, parse }: { readonly draft?: string | undefined; readonly parse?: ParseText | undefined } = {},
  begin: (file: string) => void = () => undefined,
): Promise<{ readonly files: readonly string[]; readonly origins: readonly Origin[] }> {
  const files: string[] = [];
  const origins: Origin[] = [];
  const seen = new Set<string>();
  const read = async (file: string, chain: readonly string[]): Promise<void> => {
    files.push(file);
    begin(file);
    const parsed = await loadRcFile(file, file === root ? draft : undefined, parse);
    const origin = originOf(file, parsed, dirname(root), env, problems);
    for (const { name, source } of namedBases(origin, env, problems)) {
      const wrong = (message: string) =>
        problems.push({ path: "extends", message: message + through(chain), received: name, source });
      const base = await findBase(name, file);
      if (base.file === undefined) {
        wrong(base.reason);
        continue;
      }
      if (chain.includes(base.file)) wrong(`is a circle: ${[...chain, base.file].join(" > ")}`);
      else if (!seen.has(base.file)) {
        seen.add(base.file);
        await read(base.file, [...chain, base.file]);
      }
    }
    origins.push(origin);
  };
  await read(root, [await realpath(root).catch(() => root)]);
  return { files, origins };
}

function originOf(
  file: string,
  { value, locate }: ParsedFile,
  directory: string,
  env: NodeJS.ProcessEnv,
  problems: ConfigProblem[],
): Origin {
  const source: Origin["source"] = (path, kind = "file") => ({ kind, name: file, ...locate(path) });
  return {
    value: toObject(value ?? {}, source, problems),
    source,
    finish: (layer) => relativeTo(interpolate(layer, env, problems), dirname(file), directory),
  };
}

function namedBases(
  origin: Origin,
  env: NodeJS.ProcessEnv,
  problems: ConfigProblem[],
): Array<{ name: string; source: ConfigSource }> {
  const written = origin.value["extends"];
  if (written === undefined) return [];
  const layer = interpolate({ value: { extends: written }, source: origin.source }, env, problems);
  const given = layer.value["extends"];
  const several = Array.isArray(given);
  const named: Array<{ name: string; source: ConfigSource }> = [];
  for (const [index, name] of [given].flat().entries()) {
    const source = layer.source(several ? ["extends", index] : ["extends"]);
    if (typeof name === "string" && name !== "") named.push({ name, source });
    else {
      const message = "expected the path of a configuration file, the name of a package, or a list of them";
      problems.push({ path: "extends", message, received: name, source });
    }
  }
  return named;
}

function through(chain: readonly string[]): string {
  return chain.length > 1 ? `. It is extended by ${chain.join(" > ")}` : "";
}

/** The file that is meant: of a path, from the file that it stands in; of a package, as that file would import it. */
async function findBase(
  name: string,
  from: string,
): Promise<{ file: string } | { file: undefined; reason: string }> {
  const isPath = name.startsWith(".") || isAbsolute(name);
  try {
    // A symbolic link is the file that it leads to: in a circle of links every name is new.
    return { file: await realpath(isPath ? resolve(dirname(from), name) : await findPackage(name, from)) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!isPath) return { file: undefined, reason: packageProblem(name, code, message) };
    const file = resolve(dirname(from), name);
    const missing = code === "ENOENT" || code === "ENOTDIR";
    return {
      file: undefined,
      reason: missing ? `there is no file ${file}` : `${file} cannot be read: ${message}`,
    };
  }
}

async function findPackage(name: string, from: string): Promise<string> {
  const base = pathToFileURL(from).href;
  // Node's own `import.meta.resolve` takes no place to start from.
  const { resolve: resolveImport } = await import("import-meta-resolve");
  let url: string;
  try {
    url = resolveImport(name, base);
  } catch (error) {
    try {
      // What can only be required: a package without `import` in its exports, or one of Plug'n'Play.
      return createRequire(base).resolve(name);
    } catch {
      throw error;
    }
  }
  if (!url.startsWith("file:")) throw new Error("it is no file");
  return fileURLToPath(url);
}

function packageProblem(name: string, code: string | undefined, message: string): string {
  return code === "ERR_MODULE_NOT_FOUND"
    ? `there is no such package. Install it (\`npm install ${name}\`), or write "./${name}" for a file`
    : `this package has no configuration: ${message}`;
}
