import type { Classified } from "../classification/error-class.js";
import { classifyStatus, statusOf } from "../classification/http-status.js";
import { classifyByLibrary, sqliteCodeOf } from "../classification/libraries.js";
import { sqlStateOf } from "../classification/sql-state.js";
import { causesOf, readList, readText } from "../classification/thrown.js";
import {
  byClass,
  byCode,
  byKind,
  bySqlite,
  bySqlState,
  byStatus,
  serverFailed,
  type Advice,
} from "./recovery-rules.js";

/**
 * What an operator can do about an error: what the error says itself, else what is known of its
 * code, of its causes' codes, of its HTTP status and message, else of its class. Names the file,
 * the host or the port where the error does. Empty where nothing is known.
 *
 * @param errorClass what the error was classified as
 */
export function recoverySuggestions(error: unknown, errorClass: Classified): readonly string[] {
  return suggestionsFor(error, 0) ?? byClass[errorClass];
}

/** An `AggregateError` may hold itself. */
const deepestMembers = 2;

function suggestionsFor(error: unknown, depth: number): readonly string[] | undefined {
  for (const link of causesOf(error)) {
    const own = readList(link, "suggestions");
    if (own && own.length > 0 && own.every((one) => typeof one === "string")) return own;
    const known = depth < deepestMembers ? suggestionsForMembers(link, depth + 1) : undefined;
    const found = known ?? adviceFor(link)?.(link);
    if (found) return found;
  }
  return undefined;
}

/** Each member of an `AggregateError` knows its own host or file, which that does not. */
function suggestionsForMembers(error: unknown, depth: number): readonly string[] | undefined {
  const members = readList(error, "errors")?.slice(0, 10);
  const all = new Set(members?.flatMap((member) => suggestionsFor(member, depth) ?? []));
  return all.size > 0 ? [...all] : undefined;
}

function adviceFor(error: unknown): Advice | undefined {
  const state = sqlStateOf(error);
  return (
    entry(byCode, readText(error, "code")) ??
    entry(bySqlite, sqliteCodeOf(error)) ??
    entry(bySqlState, state) ??
    entry(bySqlState, state?.slice(0, 2)) ??
    adviceForStatus(error) ??
    byKind.find(
      ({ name, message }) => name === readText(error, "name") && message.test(readText(error, "message")),
    )?.advice
  );
}

/** Not where the library says something else than its status, as AWS's does of a throttled call (400). */
function adviceForStatus(error: unknown): Advice | undefined {
  const status = statusOf(error);
  if (status === undefined) return undefined;
  const meant = classifyStatus(status);
  if ((classifyByLibrary(error) ?? meant) !== meant) return undefined;
  return entry(byStatus, status) ?? (status >= 500 ? serverFailed : undefined);
}

/** Own entries only: a code may be called `constructor`. */
function entry<Key extends string | number>(
  table: Readonly<Record<Key, Advice>>,
  key: Key | undefined,
): Advice | undefined {
  return key !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
}
