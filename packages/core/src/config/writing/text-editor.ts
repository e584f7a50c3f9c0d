import type { ParsedFile } from "../sources/rc-parser.js";

/**
 * How a text in YAML or JSON is changed at a path, and at nothing else. Answers texts that should
 * say what is meant, the one that changes least first: the first that does say it is taken.
 */
export interface TextEditor {
  /**
   * The text with a value at a path, and with what must be around it. A list takes an index of an
   * element, or of the one after its last.
   *
   * @param said what the text says
   */
  set(text: string, path: readonly string[], value: unknown, said: ParsedFile): Iterable<string>;
  /**
   * The text without what stands at a path, which something does.
   *
   * @param said what the text says
   */
  unset(text: string, path: readonly string[], said: ParsedFile): Iterable<string>;
  /** How many comments a text has. */
  comments(text: string): number;
}
