import { basename, extname } from "node:path";
import { ConfigurationError } from "../../errors/index.js";
import { CircularValueError, copyPlain, isPlainObject } from "../plain.js";
import { configurationError, formatPath } from "../problems.js";
import type { EditableText } from "./editable-text.js";
import { openJson } from "./rc-document-json.js";
import { openYaml } from "./rc-document-yaml.js";
import { parseText } from "../sources/rc-parser.js";
import { readBounded } from "../sources/read-file.js";
import { writeAtomically } from "./write-atomically.js";

/** An rc file that is being edited: what is not touched stays as it was written, comments too. */
export interface RcDocument extends EditableText {
  readonly file: string;
  /**
   * Writes the file, as a whole or not at all.
   *
   * @param options.mode permissions of a file that is new. @default 0o644
   * @throws ConfigurationError `MLMCP_CONFIG_CHANGED` where somebody else has changed it since it was
   * opened, `MLMCP_CONFIG_FILE` where it cannot be written
   */
  save(options?: { readonly mode?: number }): Promise<void>;
}

/**
 * Opens an rc file to change it: YAML, JSON, or the key `mlmcp` of a `package.json`. One that does
 * not exist yet is empty and made when it is saved.
 *
 * ```ts
 * const document = await openRcDocument("/app/.mlmcprc.yaml");
 * document.set(["cache", "ttl"], "5m");
 * await document.save();
 * ```
 *
 * @throws ConfigurationError `MLMCP_CONFIG_NOT_EDITABLE` for JavaScript and TypeScript, which are
 * programs; `MLMCP_CONFIG_SYNTAX` with line and column
 */
export async function openRcDocument(file: string): Promise<RcDocument> {
  const extension = extname(file);
  if (/^\.[cm]?[jt]s$/.test(extension)) {
    throw new ConfigurationError(
      `${file} is a program, which cannot be edited by another one. Change it by hand, or move what is to be set into a .yaml or .json file (a program can take it up with \`extends\`).`,
      { code: "MLMCP_CONFIG_NOT_EDITABLE", context: { file } },
    );
  }
  const original = await read(file);
  const text = original ?? "";
  if (original !== undefined) refuseUnlessMap(file, text);
  const editable = extension === ".json" || isJson(text) ? openJson(text) : openYaml(text);
  const prefix = basename(file) === "package.json" ? ["mlmcp"] : [];
  let saved = original;
  return {
    file,
    get: (path) => editable.get([...prefix, ...path]),
    set(path, value) {
      if (path.length === 0 && !isPlainObject(value)) throw unfit(path, "expected a map of sections");
      editable.set([...prefix, ...path], refuseUnwritable(path, value));
    },
    unset: (path) => editable.unset([...prefix, ...path]),
    toString: () => editable.toString(),
    async save(options) {
      if ((await read(file)) !== saved) {
        throw new ConfigurationError(
          `${file} has been changed by somebody else since it was read. Nothing was written: try again.`,
          { code: "MLMCP_CONFIG_CHANGED", context: { file } },
        );
      }
      const next = editable.toString();
      try {
        await writeAtomically(file, next, options);
      } catch (error) {
        throw unusable(file, "written", error);
      }
      saved = next;
    },
  };
}

/** A `.mlmcprc` without an extension may hold either; JSON stays JSON. */
function isJson(text: string): boolean {
  try {
    return isPlainObject(JSON.parse(text));
  } catch {
    return false;
  }
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readBounded(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unusable(file, "read", cause);
  }
}

function unusable(file: string, what: "read" | "written", cause: unknown): ConfigurationError {
  return new ConfigurationError(`${file} cannot be ${what}: ${(cause as Error).message}`, {
    code: "MLMCP_CONFIG_FILE",
    cause,
    context: { file },
  });
}

function refuseUnlessMap(file: string, text: string): void {
  const { value, locate } = parseText(file, text);
  try {
    copyPlain(value);
  } catch (error) {
    if (!(error instanceof CircularValueError)) throw error;
    const source = { kind: "file" as const, name: file, ...locate(error.path) };
    throw configurationError([{ path: formatPath(error.path), message: error.message, source }]);
  }
  if (value === null || value === undefined || isPlainObject(value)) return;
  throw configurationError([
    {
      path: "",
      message: "expected a map of sections",
      received: value,
      source: { kind: "file", name: file },
    },
  ]);
}

/** What JSON can hold, which is also what YAML gives back as it was. */
function refuseUnwritable(path: readonly string[], value: unknown): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value))
    return value.map((item, index) => refuseUnwritable([...path, String(index)], item));
  if (isPlainObject(value)) {
    const given = Object.entries(value).filter(([, child]) => child !== undefined);
    return Object.fromEntries(given.map(([key, child]) => [key, refuseUnwritable([...path, key], child)]));
  }
  const what = value === undefined ? "nothing (unset it instead)" : `a ${typeof value}`;
  throw unfit(path, `a file cannot hold ${what}`);
}

function unfit(path: readonly string[], message: string): ConfigurationError {
  return new ConfigurationError(`${formatPath(path) || "The configuration"}: ${message}.`, {
    code: "MLMCP_CONFIG_VALUE",
    context: { path: formatPath(path) },
  });
}
