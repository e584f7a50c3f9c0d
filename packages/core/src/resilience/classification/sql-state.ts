import { classesByCode, type ErrorClass } from "./error-class.js";
import { read, readText } from "./thrown.js";

/**
 * SQLSTATE codes and, as two characters, their classes (PostgreSQL manual, appendix A; the
 * transient ones as Npgsql's `IsTransient` has them). Too many connections is transient although
 * its class is a lack of resources: places come free by themselves, within the time of a retry.
 */
const states = classesByCode({
  transient: "08 40 40001 40P01 53300 55006 55P03 57P01 57P02 57P03 57P05 58000 58030",
  resource: "53",
  permanent: "08P01 0A 0L 0P 23 25 26 28 2B 2F 34 3B 3D 3F 40002 42 44 54 57P04 F0",
  validation: "21 22",
  cancelled: "57014",
});

/**
 * The SQLSTATE of a database's error: `sqlState` of MySQL's drivers, `code` of PostgreSQL's, which
 * is told from other codes of five letters (`EPIPE`) by the fields that stand beside it.
 */
export function sqlStateOf(error: unknown): string | undefined {
  const state = readText(error, "sqlState") || readText(error, "sqlstate");
  if (isState(state)) return state;
  const code = readText(error, "code");
  const besides = ["severity", "routine", "detail", "schema", "where", "position"];
  return isState(code) && besides.some((field) => read(error, field) !== undefined) ? code : undefined;
}

function isState(text: string): boolean {
  return /^[0-9A-Z]{5}$/.test(text);
}

/** What a SQLSTATE says, by the code itself, else by its class. */
export function classifySqlState(state: string, message = ""): ErrorClass | undefined {
  // One code for a user's cancellation and for the server's own time limit.
  if (state === "57014" && /timeout/i.test(message)) return "transient";
  return states.get(state) ?? states.get(state.slice(0, 2));
}
