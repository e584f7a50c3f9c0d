import { classesByCode, type ErrorClass } from "./error-class.js";
import { classifySqlState, sqlStateOf } from "./sql-state.js";
import { isInstance, read, readList, readText } from "./thrown.js";

/** What a driver or a client library says in its own way; nothing for errors that are not its own. */
type LibraryRule = (error: unknown) => ErrorClass | undefined;

const mysqlCodes = classesByCode({
  transient: `
    ER_LOCK_DEADLOCK ER_LOCK_WAIT_TIMEOUT ER_CON_COUNT_ERROR ER_TOO_MANY_USER_CONNECTIONS ER_SERVER_SHUTDOWN
    ER_QUERY_TIMEOUT ER_OPTION_PREVENTS_STATEMENT PROTOCOL_CONNECTION_LOST PROTOCOL_SEQUENCE_TIMEOUT`,
  resource: "ER_DISK_FULL ER_RECORD_FILE_FULL ER_OUTOFMEMORY ER_OUT_OF_SORTMEMORY ER_OUT_OF_RESOURCES",
  cancelled: "ER_QUERY_INTERRUPTED",
  validation: "ER_DATA_TOO_LONG ER_TRUNCATED_WRONG_VALUE ER_WARN_DATA_OUT_OF_RANGE ER_BAD_NULL_ERROR",
});

/** pg, postgres.js, mysql, mysql2 and whatever else has a SQLSTATE. MySQL's own names say more. */
function sql(error: unknown): ErrorClass | undefined {
  const named = mysqlCodes.get(readText(error, "code"));
  if (named) return named;
  const state = sqlStateOf(error);
  return state === undefined ? undefined : classifySqlState(state, readText(error, "message"));
}

/** Result codes of SQLite by name; extended ones (`SQLITE_BUSY_SNAPSHOT`) follow the first two words. */
const sqliteCodes = classesByCode({
  transient: "SQLITE_BUSY SQLITE_LOCKED SQLITE_PROTOCOL SQLITE_SCHEMA",
  resource: "SQLITE_FULL SQLITE_NOMEM",
  cancelled: "SQLITE_INTERRUPT SQLITE_ABORT",
  validation: "SQLITE_MISMATCH SQLITE_RANGE SQLITE_TOOBIG",
  permanent: `
    SQLITE_CONSTRAINT SQLITE_READONLY SQLITE_CORRUPT SQLITE_NOTADB SQLITE_CANTOPEN SQLITE_PERM SQLITE_AUTH
    SQLITE_ERROR SQLITE_MISUSE SQLITE_NOLFS SQLITE_FORMAT`,
});

/** The numbers behind these names, for `node:sqlite`, which gives no names. */
const sqliteNumbers: Readonly<Record<number, string>> = {
  1: "ERROR",
  3: "PERM",
  4: "ABORT",
  5: "BUSY",
  6: "LOCKED",
  7: "NOMEM",
  8: "READONLY",
  9: "INTERRUPT",
  11: "CORRUPT",
  13: "FULL",
  14: "CANTOPEN",
  15: "PROTOCOL",
  17: "SCHEMA",
  18: "TOOBIG",
  19: "CONSTRAINT",
  20: "MISMATCH",
  21: "MISUSE",
  23: "AUTH",
  25: "RANGE",
  26: "NOTADB",
};

/** The name of an SQLite result code, of sqlite3, better-sqlite3, libsql or `node:sqlite`. */
export function sqliteCodeOf(error: unknown): string | undefined {
  const code = readText(error, "code");
  const name = /^SQLITE_[A-Z]+/.exec(code)?.[0];
  if (name) return name;
  const number = code === "ERR_SQLITE_ERROR" ? read(error, "errcode") : undefined;
  const known = typeof number === "number" ? sqliteNumbers[number & 0xff] : undefined;
  return known && `SQLITE_${known}`;
}

function sqlite(error: unknown): ErrorClass | undefined {
  const code = sqliteCodeOf(error);
  return code === undefined ? undefined : sqliteCodes.get(code);
}

const mongoCodes = classesByCode({
  transient: "6 7 89 91 112 189 262 9001 10107 11600 11602 13435 13436",
  permanent: "13 18 11000 11001",
  validation: "121",
});

/** MongoDB's driver: the server's own labels first, then its codes and the driver's error names. */
function mongo(error: unknown): ErrorClass | undefined {
  const name = readText(error, "name");
  if (hasLabel(error, "TransientTransactionError") || hasLabel(error, "RetryableWriteError"))
    return "transient";
  if (!name.startsWith("Mongo")) return undefined;
  const number = read(error, "code");
  const code = typeof number === "number" ? mongoCodes.get(String(number)) : undefined;
  if (code) return code;
  if (/^Mongo(Network|ServerSelection|PoolCleared|ConnectionPool|WaitQueueTimeout)/.test(name))
    return "transient";
  return /^Mongo(InvalidArgument|Missing|Parse|API|Argument)/.test(name) ? "permanent" : undefined;
}

/** A list in the driver's older versions, a set in its newer ones. */
function hasLabel(error: unknown, label: string): boolean {
  const labels = read(error, "errorLabels");
  return (
    readList(error, "errorLabels")?.includes(label) ??
    (isInstance(labels, Set) && (labels as Set<unknown>).has(label))
  );
}

const prismaCodes = classesByCode({
  transient: "P1001 P1002 P1008 P1017 P2024 P2028 P2034 P2037",
  validation: "P2000 P2005 P2006 P2007 P2008 P2009 P2011 P2012 P2013 P2019 P2020 P2023 P2033",
});

/** Prisma: a client's known errors by code, the rest by name. */
function prisma(error: unknown): ErrorClass | undefined {
  const name = readText(error, "name");
  if (name === "PrismaClientValidationError") return "validation";
  const code = readText(error, "code") || readText(error, "errorCode");
  if (!/^P\d{4}$/.test(code)) return undefined;
  if (!name.startsWith("Prisma") && read(error, "clientVersion") === undefined) return undefined;
  return prismaCodes.get(code) ?? "permanent";
}

const redisReplies = classesByCode({
  transient: "LOADING BUSY TRYAGAIN CLUSTERDOWN MASTERDOWN READONLY NOREPLICAS UNBLOCKED",
  resource: "OOM MISCONF",
  permanent: "WRONGTYPE NOAUTH NOPERM WRONGPASS NOSCRIPT EXECABORT CROSSSLOT NOPROTO",
});

/** ioredis and node-redis: a reply begins with the kind of error in capitals. */
function redis(error: unknown): ErrorClass | undefined {
  switch (readText(error, "name")) {
    case "MaxRetriesPerRequestError":
    case "ClusterAllFailedError":
    case "SocketClosedUnexpectedlyError":
    case "ConnectionTimeoutError":
      return "transient";
    case "ReplyError":
    case "SimpleError":
    case "ErrorReply": {
      const message = readText(error, "message");
      if (/max number of clients reached/i.test(message)) return "transient";
      return redisReplies.get(/^[A-Z]+/.exec(message)?.[0] ?? "");
    }
    default:
      return undefined;
  }
}

/** gRPC status codes (grpc.github.io, "Status codes and their use"); the rest of the 16 tell nothing. */
const grpcCodes = classesByCode({
  transient: "4 10 14",
  resource: "8",
  cancelled: "1",
  validation: "3 11",
  permanent: "5 6 7 9 12 15 16",
});

function grpc(error: unknown): ErrorClass | undefined {
  const code = read(error, "code");
  const isGrpc =
    typeof code === "number" &&
    typeof read(error, "details") === "string" &&
    read(error, "metadata") !== undefined;
  return isGrpc ? grpcCodes.get(String(code)) : undefined;
}

/** The texts in which AWS's services say that they were asked too much or too early. */
function aws(error: unknown): ErrorClass | undefined {
  if (read(error, "$metadata") === undefined) return undefined;
  if (read(error, "$retryable") !== undefined) return "transient";
  return /throttl|TooManyRequests|SlowDown|RequestLimitExceeded|ProvisionedThroughputExceeded/i.test(
    readText(error, "name"),
  )
    ? "transient"
    : undefined;
}

const rules: readonly LibraryRule[] = [sql, sqlite, mongo, prisma, redis, grpc, aws];

/** What the libraries' own fields say, of the first library that knows the error. */
export function classifyByLibrary(error: unknown): ErrorClass | undefined {
  for (const rule of rules) {
    const found = rule(error);
    if (found) return found;
  }
  return undefined;
}
