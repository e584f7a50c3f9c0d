import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { classifyError, ErrorHandler, ValidationError } from "@mlmcp/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { statusOf } from "../../../src/resilience/classification/http-status.js";
import { causesOf, readList, readText } from "../../../src/resilience/classification/thrown.js";
import { byCode, bySqlite, bySqlState, byStatus } from "../../../src/resilience/handling/recovery-rules.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { dns } from "./faults/dns.js";
import { engine } from "./faults/engine.js";
import type { Fault } from "./faults/fault.js";
import { files, prepareFiles } from "./faults/files.js";
import { http } from "./faults/http.js";
import { network } from "./faults/network.js";
import { hasOpenssl, prepareCertificates, tls } from "./faults/tls.js";

const handler = new ErrorHandler();

const folder = await temporaryFolder();
const at = (...names: string[]): string => join(folder.path, ...names);

beforeAll(async () => {
  await prepareFiles(at);
  if (hasOpenssl) prepareCertificates(at);
});
afterAll(() => folder.remove());

/** What it fails with. */
async function thrownBy(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return expect.fail("it did not fail");
}

/** The codes and HTTP statuses of all errors that were provoked. */
const provoked = new Set<string>();

function note(error: unknown): void {
  for (const link of causesOf(error)) {
    provoked.add(readText(link, "code")).add(String(statusOf(link)));
    readList(link, "errors")?.forEach(note);
  }
}

describe.each<[string, Fault[]]>([
  ["files", files(at)],
  ["the network", network],
  ["DNS", dns],
  ["TLS", hasOpenssl ? tls(at) : []],
  ["HTTP", http],
  ["the engine", engine],
])("a fault of %s", (_, faults) => {
  it.each(faults)("%s has its class and its suggestions", async (_title, provoke, expected, suggestion) => {
    const error = await thrownBy(provoke);
    note(error);
    expect(classifyError(error), String(error)).toBe(expected);
    expect(handler.getRecoverySuggestions(error)[0]).toMatch(suggestion);
  });
});

/** What no test can make on any machine: by the fields that it comes with. */
const byFields: Array<
  [title: string, fields: { code: string; [name: string]: unknown }, suggestion: RegExp]
> = [
  ["a quota", { code: "EDQUOT", path: "/home/x" }, /Free space where \/home\/x/],
  ["a system out of files", { code: "ENFILE" }, /limit of open files/],
  ["a system out of memory", { code: "ENOMEM" }, /in parts/],
  ["a mount point", { code: "EBUSY", path: "/mnt" }, /Something else uses \/mnt/],
  [
    "a disk that is read-only",
    { code: "EROFS", path: "/data/x" },
    /\/data\/x lies on a disk that cannot be written/,
  ],
  ["two disks", { code: "EXDEV", path: "/a" }, /Copy \/a and remove it/],
  ["a connection given up", { code: "ECONNABORTED" }, /has closed the connection/],
  ["MySQL's end", { code: "PROTOCOL_CONNECTION_LOST" }, /has closed the connection/],
  ["a silent peer", { code: "ETIMEDOUT", address: "10.0.0.9", port: 5432 }, /10\.0\.0\.9:5432 is up/],
  ["a silent peer of old clients", { code: "ESOCKETTIMEDOUT" }, /is up and not overloaded/],
  ["no way to a host", { code: "EHOSTUNREACH", address: "::1", port: 80 }, /\[::1\]:80 can be reached/],
  ["a host that is down", { code: "EHOSTDOWN", address: "10.0.0.9" }, /10\.0\.0\.9 can be reached/],
  ["a resolver without a network", { code: "EAI_AGAIN", hostname: "db" }, /did not answer for db/],
  ["another OpenSSL's no", { code: "EPROTO" }, /does not speak TLS/],
  ["a newer OpenSSL's no", { code: "ERR_SSL_PACKET_LENGTH_TOO_LONG" }, /does not speak TLS/],
  ["MySQL's deadlock", { code: "ER_LOCK_DEADLOCK" }, /another connection holds the lock/],
  ["MySQL's lock", { code: "ER_LOCK_WAIT_TIMEOUT" }, /another connection holds the lock/],
  ["MySQL's duplicate", { code: "ER_DUP_ENTRY", sqlState: "23000" }, /exists already/],
  ["Prisma's duplicate", { code: "P2002", clientVersion: "6" }, /exists already/],
  ["SQLITE_BUSY", { code: "SQLITE_BUSY" }, /another connection holds the lock/],
  ["SQLITE_LOCKED", { code: "SQLITE_LOCKED" }, /another connection holds the lock/],
  ["node:sqlite's busy", { code: "ERR_SQLITE_ERROR", errcode: 261 }, /another connection holds the lock/],
  ["SQLITE_FULL", { code: "SQLITE_FULL" }, /Free space/],
  ["SQLITE_NOMEM", { code: "SQLITE_NOMEM" }, /in parts/],
  ["SQLITE_READONLY", { code: "SQLITE_READONLY" }, /Give the user/],
  ["SQLITE_CANTOPEN", { code: "SQLITE_CANTOPEN" }, /directory of the database exists/],
  ["SQLITE_CORRUPT", { code: "SQLITE_CORRUPT" }, /Restore the database/],
  ["SQLITE_NOTADB", { code: "SQLITE_NOTADB" }, /is no SQLite database/],
  ["a serialization failure", { code: "40001", severity: "ERROR" }, /another connection holds the lock/],
  ["a deadlock", { code: "40P01", severity: "ERROR" }, /another connection holds the lock/],
  ["a lock", { code: "55P03", severity: "ERROR" }, /another connection holds the lock/],
  ["a duplicate", { code: "23505", severity: "ERROR" }, /exists already/],
  ["a missing row", { code: "23503", severity: "ERROR" }, /insert that one first/],
  ["a full disk of a server", { code: "53100", severity: "ERROR" }, /Free space/],
  ["a server out of memory", { code: "53200", severity: "ERROR" }, /in parts/],
  ["too many connections", { code: "53300", severity: "FATAL" }, /connection pools smaller/],
  ["a server that starts", { code: "57P03", severity: "FATAL" }, /starting or shutting down/],
  ["a wrong password", { code: "28P01", severity: "FATAL" }, /user and the password/],
  ["a lost connection to a database", { code: "08006", severity: "FATAL" }, /has closed the connection/],
  ["an unknown table", { code: "42P01", severity: "ERROR" }, /Correct the statement/],
];

describe("recovery suggestions", () => {
  it.each(byFields)("know %s by its fields", (_, fields, suggestion) => {
    expect(handler.getRecoverySuggestions(Object.assign(new Error("x"), fields))[0]).toMatch(suggestion);
  });

  it.skipIf(process.platform !== "linux" || !hasOpenssl)(
    "have all been asked for: by a fault that was provoked, or by its fields",
    () => {
      const shown = byFields.map(([, { code }]) => code);
      const rules = [byCode, byStatus, bySqlite, bySqlState].flatMap((table) => Object.keys(table));
      const reached = (rule: string): boolean =>
        // Of SQLSTATEs the first two letters are a class.
        provoked.has(rule) ||
        shown.some((code) => code === rule || (rule.length === 2 && code.startsWith(rule)));
      expect(rules.filter((rule) => !reached(rule))).toEqual([]);
    },
  );

  it("are the error's own where it has some, also those of a cause", () => {
    const own = new ValidationError("no date", { suggestions: ["Write it as 2026-01-31."] });
    expect(handler.getRecoverySuggestions(own)).toEqual(["Write it as 2026-01-31."]);
    expect(handler.getRecoverySuggestions(new Error("import failed", { cause: own }))).toEqual([
      "Write it as 2026-01-31.",
    ]);
  });

  it("speak of no status that the library means something else by", () => {
    const of = (name: string) =>
      handler.getRecoverySuggestions(
        Object.assign(new Error("x"), { name, $metadata: { httpStatusCode: 400 } }),
      );
    expect(of("ThrottlingException")[0]).toMatch(/Try again after a while/);
    expect(of("ValidationException")[0]).toMatch(/Correct the request/);
  });

  it("speak of each member of an AggregateError, once", () => {
    const coded = (code: string) => Object.assign(new Error(code), { code });
    const error = new AggregateError([coded("ENOMEM"), coded("ENAMETOOLONG"), coded("ENOMEM")]);
    expect(handler.getRecoverySuggestions(error)).toEqual([
      expect.stringMatching(/in parts/),
      expect.stringMatching(/max-old-space-size/),
      expect.stringMatching(/Shorten/),
    ]);
  });

  it("name the addresses that Node tried, of which the error about them all knows none", () => {
    const tried = (address: string) =>
      Object.assign(new Error("x"), { code: "ECONNREFUSED", address, port: 5432 });
    const all = new AggregateError([tried("::1"), tried("127.0.0.1")]);
    const [first, , second] = handler.getRecoverySuggestions(Object.assign(all, { code: "ECONNREFUSED" }));
    expect([first, second]).toEqual([
      expect.stringContaining("[::1]:5432"),
      expect.stringContaining("127.0.0.1:5432"),
    ]);
  });

  it("speak of the class where nothing more is known, and of nothing where not even that is", () => {
    const ofName = (name: string) => handler.getRecoverySuggestions(Object.assign(new Error("x"), { name }));
    expect(ofName("NetworkError")[0]).toMatch(/Try again/);
    expect(ofName("AbortError")[0]).toMatch(/Nothing is wrong/);
    expect(ofName("ZodError")[0]).toMatch(/Correct what was passed in/);
    expect(ofName("QuotaExceededError")[0]).toMatch(/Free what is used up/);
    expect(ofName("AssertionError")[0]).toMatch(/change what it asks for/);
    expect(ofName("Error")).toEqual([]);
  });

  it.each([["constructor"], ["__proto__"], ["toString"]])("do not mistake the code %s", (code) => {
    expect(handler.getRecoverySuggestions(Object.assign(new Error("x"), { code }))).toEqual([]);
  });
});

it("readlink of what is no link is EINVAL, which has only what its class says", async () => {
  const error = await thrownBy(() => readlink(at("file")));
  expect(handler.getRecoverySuggestions(error)[0]).toMatch(/change what it asks for/);
});
