import {
  BulkheadFullError,
  CircuitOpenError,
  classifyError,
  ConfigurationError,
  DataLoadError,
  KernelNotStartedError,
  ModelError,
  OperationTimeoutError,
  PluginError,
  ProcessingError,
  RateLimitError,
  ResourceExhaustedError,
  ValidationError,
  type Classified,
} from "@mlmcp/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

type Case = readonly [title: string, error: unknown, expected: Classified];

/** An error with further fields, as drivers and clients make them. */
const given = (fields: object, message = "failed", name = "Error"): Error =>
  Object.assign(new Error(message), { name }, fields);

const coded = (expected: Classified, ...codes: string[]): Case[] =>
  codes.map((code) => [code, given({ code }), expected]);

const answered = (expected: Classified, ...statuses: number[]): Case[] =>
  statuses.flatMap((status): Case[] => [
    [`${status} in status`, given({ status }), expected],
    [`${status} in statusCode`, given({ statusCode: status }), expected],
    [`${status} in response.status`, given({ response: { status } }), expected],
    [`${status} in response.statusCode`, given({ response: { statusCode: status } }), expected],
    [`${status} in $metadata`, given({ $metadata: { httpStatusCode: status } }), expected],
  ]);

const postgres = (expected: Classified, ...codes: string[]): Case[] =>
  codes.map((code) => [`PostgreSQL ${code}`, given({ code, severity: "ERROR", routine: "exec" }), expected]);

const mysql = (expected: Classified, code: string, errno: number, sqlState: string): Case => [
  `MySQL ${code}`,
  given({ code, errno, sqlState, sqlMessage: "failed" }),
  expected,
];

const framework: Case[] = [
  ["ValidationError", new ValidationError("no date"), "validation"],
  ["ConfigurationError", new ConfigurationError("no store"), "permanent"],
  ["KernelNotStartedError", new KernelNotStartedError("not yet"), "permanent"],
  ["PluginError", new PluginError("no"), "permanent"],
  ["DataLoadError", new DataLoadError("no csv"), "permanent"],
  ["ProcessingError", new ProcessingError("no columns"), "permanent"],
  ["ProcessingError that is retryable", new ProcessingError("busy", { retryable: true }), "transient"],
  ["ModelError", new ModelError("gone"), "permanent"],
  ["OperationTimeoutError", new OperationTimeoutError("slow"), "transient"],
  ["CircuitOpenError", new CircuitOpenError("open"), "resource"],
  ["BulkheadFullError", new BulkheadFullError("full"), "resource"],
  ["RateLimitError", new RateLimitError("later"), "resource"],
  ["ResourceExhaustedError", new ResourceExhaustedError("heap"), "resource"],
  ["a subclass with a name of its own", new (class Mine extends ValidationError {})("x"), "validation"],
  [
    "itself rather than its cause",
    new ProcessingError("x", { cause: given({ code: "ECONNRESET" }) }),
    "permanent",
  ],
];

const node: Case[] = [
  ...coded("transient", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EAI_AGAIN", "EPIPE", "ENOTFOUND"),
  ...coded("transient", "EHOSTUNREACH", "ENETUNREACH", "EBUSY", "EAGAIN", "ETIMEOUT", "ESERVFAIL"),
  ...coded(
    "transient",
    "UND_ERR_CONNECT_TIMEOUT",
    "UND_ERR_HEADERS_TIMEOUT",
    "UND_ERR_BODY_TIMEOUT",
    "UND_ERR_SOCKET",
  ),
  ...coded(
    "resource",
    "ENOSPC",
    "EDQUOT",
    "EMFILE",
    "ENFILE",
    "ENOMEM",
    "ENOBUFS",
    "ERR_WORKER_OUT_OF_MEMORY",
  ),
  ...coded("resource", "ERR_STRING_TOO_LONG", "ERR_BUFFER_TOO_LARGE"),
  ...coded("permanent", "ENOENT", "EACCES", "EPERM", "EISDIR", "ENOTDIR", "EEXIST", "EROFS", "EADDRINUSE"),
  ...coded("permanent", "CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT", "ERR_TLS_CERT_ALTNAME_INVALID"),
  ...coded("permanent", "ERR_INVALID_ARG_TYPE", "ERR_INVALID_URL", "ERR_MODULE_NOT_FOUND", "ERR_ASSERTION"),
  ...coded("permanent", "UND_ERR_INVALID_ARG", "UND_ERR_DESTROYED", "UND_ERR_NOT_SUPPORTED"),
  ...coded("cancelled", "ABORT_ERR", "ERR_CANCELED", "UND_ERR_ABORTED"),
  ...coded("unknown", "E_MINE", "", "constructor", "__proto__"),
];

const named: Case[] = [
  ["an AbortError", new DOMException("enough", "AbortError"), "cancelled"],
  ["the reason of AbortSignal.abort()", AbortSignal.abort().reason, "cancelled"],
  ["a TimeoutError", new DOMException("slow", "TimeoutError"), "transient"],
  ["a QuotaExceededError", new DOMException("full", "QuotaExceededError"), "resource"],
  ["a DataCloneError", new DOMException("a function", "DataCloneError"), "permanent"],
  ["another library's ValidationError", given({}, "x", "ValidationError"), "validation"],
  ["a ZodError", given({ issues: [] }, "x", "ZodError"), "validation"],
  ["an error with a name of the application's", given({}, "x", "PaymentDeclined"), "unknown"],
  ["an Error", new Error("?"), "unknown"],
  ["a bug: TypeError", new TypeError("x is not a function"), "permanent"],
  ["a bug: ReferenceError", new ReferenceError("x is not defined"), "permanent"],
  ["a recursion without end", new RangeError("Maximum call stack size exceeded"), "permanent"],
  ["too long an array", new RangeError("Invalid array length"), "resource"],
  ["too long a text", new RangeError("Invalid string length"), "resource"],
  ["another RangeError", new RangeError("toFixed() digits argument must be between 0 and 100"), "unknown"],
  ["text that is no JSON", new SyntaxError("Unexpected end of JSON input"), "unknown"],
  ["fetch in Node", new TypeError("fetch failed"), "transient"],
  ["fetch in a browser", new TypeError("Failed to fetch"), "transient"],
  ["a response that broke off", new TypeError("terminated"), "transient"],
  ...["a text", 42, null, undefined, Symbol("s"), 12n, true].map((thrown): Case => [
    `thrown: ${String(thrown)}`,
    thrown,
    "unknown",
  ]),
];

const causes: Case[] = [
  [
    "fetch with its cause",
    new TypeError("fetch failed", { cause: given({ code: "ECONNREFUSED" }) }),
    "transient",
  ],
  [
    "fetch of what is no URL",
    new TypeError("fetch failed", { cause: given({ code: "ERR_INVALID_URL" }) }),
    "permanent",
  ],
  ["a wrapped cancellation", new Error("x", { cause: new DOMException("", "AbortError") }), "cancelled"],
  [
    "a wrapper with a code of its own",
    given({ code: "ENOENT", cause: given({ code: "EPIPE" }) }),
    "permanent",
  ],
  ["three deep", new Error("a", { cause: new Error("b", { cause: given({ status: 503 }) }) }), "transient"],
  [
    "a SuppressedError: what suppressed the other",
    given({ error: given({ code: "ENOSPC" }), suppressed: given({ code: "EPIPE" }) }, "x", "SuppressedError"),
    "resource",
  ],
];

const aggregated = (...codes: string[]): AggregateError =>
  new AggregateError(codes.map((code) => given({ code })));
const aggregates: Case[] = [
  ["of one kind", aggregated("ECONNREFUSED", "ETIMEDOUT"), "transient"],
  ["with one that leaves less hope", aggregated("ECONNREFUSED", "ENOSPC"), "resource"],
  ["with one that leaves none", aggregated("ECONNREFUSED", "EACCES", "ENOSPC"), "permanent"],
  ["with unknown ones", new AggregateError([new Error("?"), given({ code: "EPIPE" })]), "transient"],
  ["of unknown ones", new AggregateError([new Error("?"), "text"]), "unknown"],
  ["of none", new AggregateError([]), "unknown"],
  ["within another", new AggregateError([new AggregateError([given({ code: "EPIPE" })])]), "transient"],
  [
    "as Node gives it for a host with two addresses",
    Object.assign(aggregated("ECONNREFUSED", "ECONNREFUSED"), { code: "ECONNREFUSED" }),
    "transient",
  ],
];

const statuses: Case[] = [
  ...answered("transient", 408, 425, 429, 500, 502, 503, 504, 520, 599),
  ...answered("permanent", 400, 401, 403, 404, 405, 409, 410, 413, 422, 451, 501, 505),
  ...answered("resource", 507),
  ...answered("unknown", 200, 302, 399, 600, 404.5),
  ["an exit status is none", given({ status: 1 }), "unknown"],
  ["a status that is a text", given({ status: "failed" }), "unknown"],
];

const databases: Case[] = [
  ...postgres("transient", "40001", "40P01", "08006", "08001", "53300", "57P01", "57P02", "57P03", "55P03"),
  ...postgres("resource", "53000", "53100", "53200", "53400"),
  ...postgres("permanent", "42601", "42P01", "23505", "28P01", "3D000", "0A000", "08P01", "40002"),
  ...postgres("validation", "22001", "22003", "22P02", "22012"),
  ...postgres("cancelled", "57014"),
  ...postgres("unknown", "XX000", "P0001"),
  [
    "PostgreSQL's own time limit",
    given({ code: "57014", severity: "ERROR" }, "canceling statement due to statement timeout"),
    "transient",
  ],
  ["five letters that are no SQLSTATE", given({ code: "EPIPE", syscall: "write" }), "transient"],
  ["a code of five signs without a database's fields", given({ code: "40001" }), "unknown"],
  mysql("transient", "ER_LOCK_DEADLOCK", 1213, "40001"),
  mysql("transient", "ER_LOCK_WAIT_TIMEOUT", 1205, "HY000"),
  mysql("transient", "ER_CON_COUNT_ERROR", 1040, "08004"),
  mysql("resource", "ER_DISK_FULL", 1021, "HY000"),
  mysql("permanent", "ER_DUP_ENTRY", 1062, "23000"),
  mysql("permanent", "ER_NO_SUCH_TABLE", 1146, "42S02"),
  mysql("validation", "ER_DATA_TOO_LONG", 1406, "22001"),
  ["MySQL, connection lost", given({ code: "PROTOCOL_CONNECTION_LOST", fatal: true }), "transient"],
  ["SQLite, busy", given({ code: "SQLITE_BUSY", errno: 5 }), "transient"],
  ["SQLite, busy, extended", given({ code: "SQLITE_BUSY_SNAPSHOT" }), "transient"],
  ["SQLite, a constraint", given({ code: "SQLITE_CONSTRAINT_UNIQUE" }), "permanent"],
  ["SQLite, full", given({ code: "SQLITE_FULL" }), "resource"],
  ["node:sqlite, busy", given({ code: "ERR_SQLITE_ERROR", errcode: 5 }), "transient"],
  ["node:sqlite, extended", given({ code: "ERR_SQLITE_ERROR", errcode: 2067 }), "permanent"],
  [
    "MongoDB, by label",
    given({ errorLabels: ["TransientTransactionError"] }, "x", "MongoServerError"),
    "transient",
  ],
  ["MongoDB, by a set of labels", given({ errorLabels: new Set(["RetryableWriteError"]) }), "transient"],
  ["MongoDB, a duplicate", given({ code: 11000 }, "x", "MongoServerError"), "permanent"],
  [
    "MongoDB, a document that its schema refuses",
    given({ code: 121 }, "x", "MongoServerError"),
    "validation",
  ],
  ["MongoDB, no server", given({}, "x", "MongoServerSelectionError"), "transient"],
  ["MongoDB, the network", given({}, "x", "MongoNetworkTimeoutError"), "transient"],
  ["MongoDB, misuse", given({}, "x", "MongoInvalidArgumentError"), "permanent"],
  ["Prisma, no database", given({ errorCode: "P1001", clientVersion: "6" }), "transient"],
  ["Prisma, a conflict", given({ code: "P2034", clientVersion: "6" }), "transient"],
  ["Prisma, a duplicate", given({ code: "P2002", clientVersion: "6" }), "permanent"],
  ["Prisma, too long a value", given({ code: "P2000", clientVersion: "6" }), "validation"],
  ["Prisma, misuse", given({}, "x", "PrismaClientValidationError"), "validation"],
  ["a code like Prisma's of somebody else", given({ code: "P1001" }), "unknown"],
  ["Redis, loading", given({}, "LOADING Redis is loading the dataset in memory", "ReplyError"), "transient"],
  ["Redis, read-only replica", given({}, "READONLY You can't write", "ReplyError"), "transient"],
  ["Redis, out of memory", given({}, "OOM command not allowed", "ReplyError"), "resource"],
  ["Redis, a wrong type", given({}, "WRONGTYPE Operation against a key", "ReplyError"), "permanent"],
  ["Redis, too many clients", given({}, "ERR max number of clients reached", "ReplyError"), "transient"],
  ["Redis, any other reply", given({}, "ERR unknown command", "ReplyError"), "unknown"],
  ["ioredis, given up", given({}, "Reached the max retries", "MaxRetriesPerRequestError"), "transient"],
];

const grpc = (code: number): Error => given({ code, details: "x", metadata: {} });
const clients: Case[] = [
  [
    "axios, a 404",
    given({ isAxiosError: true, code: "ERR_BAD_REQUEST", response: { status: 404 } }),
    "permanent",
  ],
  [
    "axios, a 503",
    given({ isAxiosError: true, code: "ERR_BAD_RESPONSE", response: { status: 503 } }),
    "transient",
  ],
  ["axios, its own timeout", given({ isAxiosError: true, code: "ECONNABORTED" }), "transient"],
  ["axios, the network", given({ isAxiosError: true, code: "ERR_NETWORK" }), "transient"],
  [
    "axios, cancelled",
    given({ __CANCEL__: true, code: "ERR_CANCELED" }, "canceled", "CanceledError"),
    "cancelled",
  ],
  [
    "got, a 500",
    given({ code: "ERR_NON_2XX_3XX_RESPONSE", response: { statusCode: 500 } }, "x", "HTTPError"),
    "transient",
  ],
  ["got, its own timeout", given({ code: "ETIMEDOUT" }, "x", "TimeoutError"), "transient"],
  ["got, cancelled", given({ code: "ERR_CANCELED" }, "x", "CancelError"), "cancelled"],
  ["gRPC UNAVAILABLE", grpc(14), "transient"],
  ["gRPC DEADLINE_EXCEEDED", grpc(4), "transient"],
  ["gRPC RESOURCE_EXHAUSTED", grpc(8), "resource"],
  ["gRPC INVALID_ARGUMENT", grpc(3), "validation"],
  ["gRPC NOT_FOUND", grpc(5), "permanent"],
  ["gRPC CANCELLED", grpc(1), "cancelled"],
  ["gRPC UNKNOWN", grpc(2), "unknown"],
  ["a number that is no gRPC code", given({ code: 14 }), "unknown"],
  [
    "AWS, throttled although the status is 400",
    given({ $metadata: { httpStatusCode: 400 } }, "x", "ThrottlingException"),
    "transient",
  ],
  ["AWS, retryable", given({ $metadata: {}, $retryable: {} }, "x", "InternalError"), "transient"],
];

const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
const refuse = (): never => {
  throw new TypeError("not for you");
};
const unreadable = Object.defineProperties(new Error("hidden"), {
  name: { get: refuse },
  code: { get: refuse },
});
const circle = new Error("a");
circle.cause = new Error("b", { cause: circle });
const aggregateCircle = new AggregateError([]);
aggregateCircle.errors.push(aggregateCircle);

describe("classifyError", () => {
  describe.each<[string, Case[]]>([
    ["the framework's errors", framework],
    ["codes of Node, TLS and undici", node],
    ["what a name or a message says", named],
    ["the cause of an error that says nothing itself", causes],
    ["an AggregateError", aggregates],
    ["the HTTP status", statuses],
    ["databases", databases],
    ["clients of services", clients],
  ])("knows %s", (_, cases) => {
    it.each(cases)("%s", (_title, error, expected) => expect(classifyError(error)).toBe(expected));
  });

  it.each([
    ["a revoked proxy", revoked],
    ["an error that throws when it is read", unreadable],
    [
      "an error whose every field cannot be read",
      Object.assign(new Error("x"), { code: revoked, errors: revoked }),
    ],
    ["members that cannot be read", Object.assign(new AggregateError([]), { errors: revoked })],
    [
      "MongoDB's code without a text",
      given({ code: Object.create(null) as object }, "x", "MongoServerError"),
    ],
    ["a circle of causes", circle],
    ["an AggregateError that holds itself", aggregateCircle],
  ])("is not led astray by %s", (_, error) => expect(classifyError(error)).toBe("unknown"));

  it("answers for anything at all, without changing it", () => {
    const anything = fc.oneof(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withNullPrototype: true,
      }),
      fc.record({
        code: fc.anything(),
        status: fc.anything(),
        name: fc.anything(),
        errors: fc.anything(),
        cause: fc.anything(),
      }),
    );
    fc.assert(
      fc.property(anything, (thrown) => {
        if (typeof thrown === "object" && thrown !== null) Object.freeze(thrown);
        const classes = ["transient", "permanent", "resource", "validation", "cancelled", "unknown"];
        expect(classes).toContain(classifyError(thrown));
      }),
      { numRuns: 2000 },
    );
  });

  it("says the same of an error and of one that only wraps it", () => {
    const classified = [...node, ...statuses, ...databases, ...clients].filter(
      ([, , expected]) => expected !== "unknown",
    );
    for (const [title, error, expected] of classified)
      expect(classifyError(new Error("wrapped", { cause: error })), title).toBe(expected);
  });
});
