import { builtinModules } from "node:module";
import { problemOfSectionName } from "../../config/sections.js";
import { UsageError } from "../failure.js";

/** What a new plugin is called, and what is derived from it. */
export interface PluginNames {
  /** The package's, and the plugin's: `@acme/plugin-slow-calls`. */
  readonly package: string;
  /** The package's without its scope, for a directory: `plugin-slow-calls`. */
  readonly unscoped: string;
  /** Its section and its decorator: `slowCalls`. */
  readonly word: string;
  /** Its types: `SlowCalls`. */
  readonly type: string;
}

/** Words that no function can be called, and what the new package's own files call something else. */
const refused = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export " +
    "extends false finally for function if implements import in instanceof interface let new null package " +
    "private protected public return static super switch this throw true try typeof undefined var void while with yield " +
    "plugin expect it vi kernel performance retry degrade system operations plugins profiles app extends"
  ).split(" "),
);

/**
 * Reads the name of a new package by npm's rules.
 *
 * @throws UsageError that says which rule it breaks
 */
export function readPluginName(name: string): PluginNames {
  const problem = problemOfPackageName(name);
  const example = "Such as mlmcp-plugin-audit or @acme/plugin-audit.";
  if (problem !== undefined)
    throw new UsageError(`${JSON.stringify(name)} cannot be a package's name: ${problem}`, example);
  const unscoped = name.slice(name.indexOf("/") + 1);
  const words = unscoped
    .replace(/^(mlmcp-plugin|mlmcp|plugin)(-|$)/, "")
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== "");
  const word = words.map((part, index) => (index === 0 ? part : capital(part))).join("");
  const unfit =
    word === ""
      ? "nothing is left of it"
      : (problemOfSectionName(word) ?? (refused.has(word) ? `"${word}" is taken` : undefined));
  if (unfit !== undefined)
    throw new UsageError(
      `${JSON.stringify(name)} gives no name for a section and a decorator: ${unfit}`,
      example,
    );
  return { package: name, unscoped, word, type: capital(word) };
}

function problemOfPackageName(name: string): string | undefined {
  const match = /^(?:@([^/]+)\/)?([^/]+)$/.exec(name);
  if (match === null) return "it must be a name, or @scope/name";
  if (name.length > 214) return `it has ${name.length} characters, and at most 214 are allowed`;
  for (const part of [match[1] ?? "scope", match[2]!]) {
    if (/[A-Z]/.test(part)) return "it must be in lower case";
    if (/^[._]/.test(part)) return `it must not begin with "${part[0]}"`;
    if (!/^[a-z0-9._-]+$/.test(part)) return "only letters, digits, - . and _ are allowed";
  }
  const reserved = ["node_modules", "favicon.ico", ...builtinModules];
  return reserved.includes(name) ? "this one is reserved" : undefined;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
