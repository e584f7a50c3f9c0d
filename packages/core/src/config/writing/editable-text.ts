import { ConfigurationError } from "../../errors/index.js";
import { formatPath } from "../problems.js";

/** A text in YAML or JSON that is changed by paths. */
export interface EditableText {
  /** What is written at a path, as text references and units were written; `undefined` for nothing. */
  get(path: readonly string[]): unknown;
  /**
   * Writes a value, with what must be around it. A list takes an index of an element, or of the one after
   * its last.
   *
   * @throws ConfigurationError `MLMCP_CONFIG_VALUE` for a value that a file cannot hold, such as a
   * function; `MLMCP_CONFIG_PATH` for a path that leads into a list by a name
   */
  set(path: readonly string[], value: unknown): void;
  /** Removes what is written at a path. Answers whether anything was. */
  unset(path: readonly string[]): boolean;
  /** The text to be saved. */
  toString(): string;
}

/** Whether a key of a path is the index of an element, or of the one to be added. */
export function isIndex(key: string, length: number): boolean {
  return /^(0|[1-9]\d*)$/.test(key) && Number(key) <= length;
}

/** A path that goes by a name, or past the end, where there is a list. */
export function notAnIndex(path: readonly string[], depth: number, length: number): ConfigurationError {
  const list = formatPath(path.slice(0, depth));
  return new ConfigurationError(
    `${formatPath(path)}: ${list} is a list of ${length}, and ${JSON.stringify(path[depth])} is no index in it. ` +
      `Name an index from 0 to ${length}, or set the whole list.`,
    { code: "MLMCP_CONFIG_PATH", context: { path: formatPath(path) } },
  );
}
