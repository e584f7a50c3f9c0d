import type { Duration } from "@mlmcp/core";
import type { FileKey } from "../keys/files.js";

// The types of methods and of their parameters pass through; `unknown` would refuse them.
// oxlint-disable-next-line typescript/no-explicit-any
type Any = any;

/** The functions among the options, where nobody has said what they take. */
export type KeyFunction = (...args: Any[]) => unknown;
export type FilesFunction = (...args: Any[]) => FileKey | readonly FileKey[];
export type WhenFunction = (result: Any, args: Any) => boolean | Promise<boolean>;
export type TtlFunction = (result: Any, args: Any) => Duration;
export type TagsFunction = (result: Any, args: Any) => readonly string[];
/** Gives the arguments of the call whose entry is meant, from the arguments of this one. */
export type EntryFunction = (...args: Any[]) => unknown;
/** Likewise, from the result of this call and its arguments. */
export type PutKeyFunction = (result: Any, args: Any) => unknown;
/** Gives the arguments of a call. */
export type CallFunction = (...args: Any[]) => readonly unknown[];
export type ArgumentLists = readonly (readonly unknown[])[];
