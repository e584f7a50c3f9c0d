import { basename, extname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ConfigurationError, isMlmcpError } from "../../errors/index.js";
import { CircularValueError, copyPlain, isPlainObject, valueAt } from "../plain.js";
import { configurationError, formatPath } from "../problems.js";
import { parseText, type ParsedFile, type ParseText } from "../sources/rc-parser.js";
import { readBounded } from "../sources/read-file.js";
import { withoutValueAt, withValueAt } from "./edited-values.js";
import { withFileLock } from "./file-lock.js";
import { isBlankJson, jsonEditor } from "./rc-document-json.js";
import { yamlEditor } from "./rc-document-yaml.js";
import { writeAtomically } from "./write-atomically.js";

/** An rc file that is being edited: what is not touched stays as it was written, comments too. */
export interface RcDocument {
  readonly file: string;
  /** What is written at a path, as text references and units were written; `undefined` for nothing. */
  get(path: readonly string[]): unknown;
  /**
   * Writes a value, with what must be around it. A list takes an index of an element, or of the one
   * after its last.
   *
   * @throws ConfigurationError `MLMCP_CONFIG_VALUE` for a value that a file cannot hold, such as a
   * function; `MLMCP_CONFIG_PATH` for a path that leads into a list by a name; `MLMCP_CONFIG_EDIT`
   * where the text would not say that, or would say something else as well
   */
  set(path: readonly string[], value: unknown): void;
  /**
   * Removes what is written at a path. Answers whether anything was.
   *
   * @throws ConfigurationError `MLMCP_CONFIG_EDIT` where the text would say something else as well
   */
  unset(path: readonly string[]): boolean;
  /**
   * Removes the map at a path where it is empty, then those around it that this leaves empty. Keeps
   * one with which a comment would go, and the elements of lists.
   */
  prune(path: readonly string[]): void;
  /** The text to be saved. */
  toString(): string;
  /**
   * Writes the file, as a whole or not at all.
   *
   * @param options.mode permissions of a file that is new. @default 0o644
   * @throws ConfigurationError `MLMCP_CONFIG_CHANGED` where somebody else has changed it since it was
   * opened, `MLMCP_CONFIG_LOCKED` where others keep writing it, `MLMCP_CONFIG_FILE` where it cannot
   * be written
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
 * @param parse how texts are read, for those who read the same ones elsewhere. @default each anew
 * @throws ConfigurationError `MLMCP_CONFIG_NOT_EDITABLE` for JavaScript and TypeScript, which are
 * programs; `MLMCP_CONFIG_SYNTAX` with line and column
 */
export async function openRcDocument(file: string, parse: ParseText = parseText): Promise<RcDocument> {
  const extension = extname(file);
  if (/^\.[cm]?[jt]s$/.test(extension)) {
    throw new ConfigurationError(
      `${file} is a program, which cannot be edited by another one. Change it by hand, or move what is to be set into a .yaml or .json file (a program can take it up with \`extends\`).`,
      { code: "MLMCP_CONFIG_NOT_EDITABLE", context: { file } },
    );
  }
  let saved = await textOf(file);
  let text = saved ?? "";
  let said: ParsedFile = saved === undefined ? nothingSaid : read(file, text, parse);
  // What only a parser of YAML takes for JSON is edited as what it is.
  const json = isJson(text) || (extension === ".json" && isBlankJson(text));
  const editor = json ? jsonEditor : yamlEditor;
  const prefix = basename(file) === "package.json" ? ["mlmcp"] : [];
  /** The first of several texts that says what is meant, as it will be read from the file. */
  const find = (path: readonly string[], texts: Iterable<string>, meant: unknown): Edited => {
    let reason = "the file would say something else than what was meant";
    let cause: unknown;
    try {
      for (const edited of texts) {
        try {
          const { locate, value } = read(file, Buffer.from(edited).toString(), parse);
          if (isDeepStrictEqual(value, meant)) return { text: edited, said: { value, locate } };
        } catch (error) {
          [reason, cause] = [(error as Error).message, error];
        }
      }
    } catch (error) {
      // The editor's: what it cannot do with such a text.
      [reason, cause] = [(error as Error).message, error];
    }
    throw uneditable(file, path, reason, cause);
  };
  const take = (edited: Edited): void => void ({ text, said } = edited);
  return {
    file,
    get: (path) => valueAt(said.value, [...prefix, ...path]),
    set(path, value) {
      if (path.length === 0 && !isPlainObject(value)) throw unfit(path, "expected a map of sections");
      const at = [...prefix, ...path];
      const writable = refuseUnwritable(path, value);
      if (isDeepStrictEqual(valueAt(said.value, at), writable)) return;
      const meant = withValueAt(said.value, at, writable);
      take(find(path, editor.set(text, at, writable, said), meant));
    },
    unset(path) {
      const at = [...prefix, ...path];
      const meant = withoutValueAt(said.value, at);
      if (meant === said.value) return false;
      take(find(path, editor.unset(text, at, said), meant));
      return true;
    },
    prune(path) {
      for (let depth = path.length; depth > 0; depth--) {
        const at = [...prefix, ...path.slice(0, depth)];
        const around = valueAt(said.value, at.slice(0, -1));
        if (!isEmptyMap(valueAt(said.value, at)) || Array.isArray(around)) return;
        const meant = withoutValueAt(said.value, at);
        const edited = find(path.slice(0, depth), editor.unset(text, at, said), meant);
        if (editor.comments(edited.text) < editor.comments(text)) return;
        take(edited);
      }
    },
    toString: () => text,
    async save(options) {
      const commit = (target: string, replace: () => void): Promise<void> =>
        withFileLock(target, async (isHeld) => {
          if ((await textOf(target)) !== saved || !isHeld()) throw changed(file);
          replace();
        });
      try {
        await writeAtomically(file, text, { ...options, commit });
      } catch (error) {
        throw isMlmcpError(error) ? error : unusable(file, "written", error);
      }
      saved = text;
    },
  };
}

/** How often an edit begins again: each time another one was saved meanwhile, so that all are in the end. */
const MAX_ATTEMPTS = 100;

/**
 * Opens, edits and saves an rc file, from the beginning again where somebody else has saved it
 * meanwhile: neither's change is lost.
 *
 * @throws ConfigurationError `MLMCP_CONFIG_CHANGED` where that does not end
 */
export async function untilSaved<T>(edit: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await edit();
    } catch (error) {
      const again = isMlmcpError(error) && error.code === "MLMCP_CONFIG_CHANGED";
      if (!again || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

function isEmptyMap(value: unknown): boolean {
  return isPlainObject(value) && Object.keys(value).length === 0;
}

/** A `.mlmcprc` without an extension may hold either; JSON stays JSON. */
function isJson(text: string): boolean {
  try {
    return isPlainObject(JSON.parse(text.replace(/^\uFEFF/, "")));
  } catch {
    return false;
  }
}

async function textOf(file: string): Promise<string | undefined> {
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

function changed(file: string): ConfigurationError {
  return new ConfigurationError(
    `${file} has been changed by somebody else since it was read. Nothing was written: try again.`,
    { code: "MLMCP_CONFIG_CHANGED", context: { file } },
  );
}

/** A text, and what it says. */
interface Edited {
  readonly text: string;
  readonly said: ParsedFile;
}

const nothingSaid: ParsedFile = { value: {}, locate: () => undefined };

/** What a text says, which must be a map. */
function read(file: string, text: string, parse: ParseText): ParsedFile {
  const { value: parsed, locate } = parse(file, text);
  let value: unknown;
  try {
    value = copyPlain(parsed);
  } catch (error) {
    if (!(error instanceof CircularValueError)) throw error;
    const source = { kind: "file" as const, name: file, ...locate(error.path) };
    throw configurationError([{ path: formatPath(error.path), message: error.message, source }]);
  }
  if (value === null || value === undefined) return { value: {}, locate };
  if (isPlainObject(value)) return { value, locate };
  throw configurationError([
    {
      path: "",
      message: "expected a map of sections",
      received: value,
      source: { kind: "file", name: file },
    },
  ]);
}

function uneditable(
  file: string,
  path: readonly string[],
  reason: string,
  cause: unknown,
): ConfigurationError {
  return new ConfigurationError(
    `${formatPath(path) || "The configuration"} cannot be edited in ${file}: ${reason}. Nothing was written: edit the file by hand.`,
    { code: "MLMCP_CONFIG_EDIT", cause, context: { file, path: formatPath(path) } },
  );
}

/** What JSON can hold, which is also what YAML gives back as it was. */
function refuseUnwritable(path: readonly string[], value: unknown): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  // JSON has no -0.
  if (typeof value === "number" && Number.isFinite(value)) return value + 0;
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
