import { execFile, spawn } from "node:child_process";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { link, mkdir, open, readFile, readlink, rmdir, stat, symlink, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createConnection, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { classifyError, ErrorHandler, ValidationError, type Classified } from "@mlmcp/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../support/temporary-folder.js";

const handler = new ErrorHandler();

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (...names: string[]): string => join(folder.path, ...names);

beforeAll(async () => {
  folder = await temporaryFolder();
  await writeFile(at("file"), "text");
  await mkdir(at("directory"));
  await writeFile(at("directory", "inside"), "");
  await symlink(at("circle"), at("circle"));
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

async function onServer<T>(
  answer: (port: number) => Promise<T>,
  status: number,
  headers: object = {},
): Promise<T> {
  const server = createHttpServer((_, response) => response.writeHead(status, { ...headers }).end("no"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    return await answer((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Asks a real server, and fails as clients of HTTP do. */
const request = (status: number, headers?: object) => (): Promise<never> =>
  onServer(
    async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}`, { headers: { connection: "close" } });
      await response.text();
      throw Object.assign(new Error(response.statusText), { response });
    },
    status,
    headers,
  );

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listenTwice(): Promise<void> {
  const [first, second] = [createServer(), createServer()];
  try {
    await once(first.listen(0, "127.0.0.1"), "listening");
    await once(second.listen((first.address() as AddressInfo).port, "127.0.0.1"), "listening");
  } finally {
    first.close();
  }
}

async function hungUpOn(): Promise<void> {
  const server = createServer((socket) => socket.resetAndDestroy());
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    const socket = createConnection((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write("hello");
    // `close` without an error would be no fault.
    await once(socket, "close");
    throw new Error("it was closed without an error");
  } finally {
    server.close();
  }
}

/** Writes to a process that lives and has closed its end. */
async function writeInVain(): Promise<void> {
  const child = spawn("/bin/sh", ["-c", "exec 0<&-; echo closed; exec sleep 60"]);
  try {
    await once(child.stdout, "data");
    child.stdin.write("x");
    await once(child.stdin, "close");
  } finally {
    child.kill();
  }
}

async function exhaustWorker(): Promise<void> {
  const worker = new Worker("const all = []; for (;;) all.push(new Array(1000).fill(0).map(() => ({})));", {
    eval: true,
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2 },
  });
  await once(worker, "exit");
}

/** The code that a child process fails with that may open no more than 32 files. */
async function withFewFiles(): Promise<never> {
  const script = `
    const { openSync } = require("node:fs");
    try { for (;;) openSync("/dev/null"); }
    catch ({ name, message, code, syscall, path }) {
      process.stdout.write(JSON.stringify({ name, message, code, syscall, path }));
      process.exit();
    }`;
  const command = `ulimit -n 32; exec "${process.execPath}" -e '${script}'`;
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", command]);
  throw Object.assign(new Error("as told by the child"), JSON.parse(stdout) as object);
}

async function fillTheDisk(): Promise<void> {
  const full = await open("/dev/full", "w");
  try {
    await full.write("x");
  } finally {
    await full.close();
  }
}

const linux = process.platform === "linux";

/** A fault that is really provoked, what it is, and what the first suggestion speaks of. */
type Fault = readonly [title: string, provoke: () => unknown, expected: Classified, suggestion: RegExp];

const files: Fault[] = [
  ["ENOENT", () => readFile(at("missing.csv")), "permanent", /missing\.csv exists and is spelt/],
  [
    "ENOENT of a program",
    () => promisify(execFile)("no-such-program-at-all"),
    "permanent",
    /Install the program no-such-program-at-all/,
  ],
  ["EISDIR", () => readFile(at("directory")), "permanent", /is a directory: name a file/],
  ["ENOTDIR", () => readFile(at("file", "below")), "permanent", /is a file and no directory/],
  ["EEXIST", () => mkdir(at("directory")), "permanent", /Remove .*directory first/],
  ["ENOTEMPTY", () => rmdir(at("directory")), "permanent", /Empty .*directory first/],
  ["ELOOP", () => stat(at("circle")), "permanent", /circle of symbolic links/],
  ["ENAMETOOLONG", () => stat(at("x".repeat(300))), "permanent", /Shorten the path/],
  [
    "EACCES: a file that may not be run",
    () => promisify(execFile)(at("file")),
    "permanent",
    /the right to .*file/,
  ],
  ...(linux
    ? ([
        [
          "EPERM: a hard link to a directory",
          () => link(at("directory"), at("hard")),
          "permanent",
          /Give the user/,
        ],
        ["EMFILE", withFewFiles, "resource", /limit of open files/],
      ] satisfies Fault[])
    : []),
  ...(existsSync("/dev/full")
    ? ([["ENOSPC", fillTheDisk, "resource", /Free space where/]] satisfies Fault[])
    : []),
];

const network: Fault[] = [
  [
    "ECONNREFUSED",
    async () => once(createConnection(await freePort(), "127.0.0.1"), "connect"),
    "transient",
    /Start the service at 127\.0\.0\.1:\d+/,
  ],
  [
    "ECONNREFUSED within fetch",
    async () => fetch(`http://127.0.0.1:${await freePort()}`),
    "transient",
    /Start the service at 127/,
  ],
  ["EADDRINUSE", listenTwice, "permanent", /Stop what listens on 127\.0\.0\.1:\d+/],
  [
    "EADDRNOTAVAIL",
    () => once(createServer().listen(0, "192.0.2.1"), "listening"),
    "transient",
    /Listen on an address of this machine: 192\.0\.2\.1/,
  ],
  // Without a network the resolver cannot know, and says EAI_AGAIN.
  ["ENOTFOUND", () => lookup("no-such-host.invalid"), "transient", /no-such-host\.invalid/],
  ["ECONNRESET", hungUpOn, "transient", /has closed the connection/],
  ["EPIPE", writeInVain, "transient", /has closed the connection/],
  [
    "ERR_INVALID_URL",
    () => fetch("localhost/x"),
    "permanent",
    /Write the address with its scheme.*localhost\/x/,
  ],
  [
    "a time limit",
    async () => {
      const signal = AbortSignal.timeout(1);
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason as Error)),
      );
    },
    "transient",
    /is up and not overloaded/,
  ],
];

const http: Fault[] = [
  ["400", request(400), "permanent", /Correct the request/],
  ["401", request(401), "permanent", /Check the credential/],
  ["403", request(403), "permanent", /Ask for the right/],
  ["404", request(404), "permanent", /Check the address/],
  ["408", request(408), "transient", /is up and not overloaded/],
  ["409", request(409), "permanent", /Read what is there now/],
  ["413", request(413), "permanent", /Send less at once/],
  ["422", request(422), "permanent", /which fields are wrong/],
  ["429", request(429), "transient", /^Wait before the next request/],
  ["429 that says when", request(429, { "retry-after": "7" }), "transient", /^Wait 7 s/],
  ["500", request(500), "transient", /the fault is at the server/],
  ["503 that says when", request(503, { "retry-after": "7" }), "transient", /^Try again in 7 s/],
  ["504", request(504), "transient", /is up and not overloaded/],
  ["507", request(507), "resource", /Free space at the server/],
];

const engine: Fault[] = [
  [
    "an array that is too long",
    () => Array.from({ length: 2 ** 53 - 1 }),
    "resource",
    /Process the data in parts/,
  ],
  ["a text that is too long", () => "x".repeat(2 ** 30), "resource", /Process the data in parts/],
  ["a buffer that is too large", () => new ArrayBuffer(2 ** 52), "resource", /Process the data in parts/],
  [
    "ERR_STRING_TOO_LONG",
    () => Buffer.allocUnsafeSlow(2 ** 28 + 64).toString("hex"),
    "resource",
    /Process the data in parts/,
  ],
  ["ERR_WORKER_OUT_OF_MEMORY", exhaustWorker, "resource", /Give the worker more memory/],
  [
    "a recursion without end",
    function again(): unknown {
      return [again()];
    },
    "permanent",
    /a recursion that does not end/,
  ],
  ["text that is no JSON", () => JSON.parse("<html>"), "unknown", /it is no JSON/],
  ["text that was cut short", () => JSON.parse('{"a":'), "unknown", /it is no JSON/],
  ["a mistake: TypeError", () => (undefined as unknown as string).length, "permanent", /Mend the code/],
  [
    "a mistake: ReferenceError",
    () => new Function("return nowhere")(),
    "permanent",
    /a name that is not defined/,
  ],
  [
    "a module that is not there",
    () => import("no-such-package-at-all" as string),
    "permanent",
    /Install the package/,
  ],
];

describe.each<[string, Fault[]]>([
  ["files", files],
  ["the network", network],
  ["HTTP", http],
  ["the engine", engine],
])("a fault of %s", (_, faults) => {
  it.each(faults)("%s has its class and its suggestions", async (_title, provoke, expected, suggestion) => {
    const error = await thrownBy(provoke);
    expect(classifyError(error), String(error)).toBe(expected);
    expect(handler.getRecoverySuggestions(error)[0]).toMatch(suggestion);
  });
});

describe("recovery suggestions", () => {
  it.each<[string, object, RegExp]>([
    ["SQLITE_BUSY", { code: "SQLITE_BUSY" }, /another connection holds the lock/],
    ["node:sqlite's busy", { code: "ERR_SQLITE_ERROR", errcode: 261 }, /another connection holds the lock/],
    ["SQLITE_FULL", { code: "SQLITE_FULL" }, /Free space/],
    ["SQLITE_CORRUPT", { code: "SQLITE_CORRUPT" }, /Restore the database/],
    ["a deadlock in PostgreSQL", { code: "40P01", severity: "ERROR" }, /another connection holds the lock/],
    ["too many connections", { code: "53300", severity: "FATAL" }, /connection pools smaller/],
    ["a wrong password", { code: "28P01", severity: "FATAL" }, /user and the password/],
    ["a duplicate in PostgreSQL", { code: "23505", severity: "ERROR" }, /exists already/],
    ["a duplicate in MySQL", { code: "ER_DUP_ENTRY", sqlState: "23000" }, /exists already/],
    ["a duplicate in Prisma", { code: "P2002", clientVersion: "6" }, /exists already/],
    ["EROFS", { code: "EROFS", path: "/data/x" }, /\/data\/x lies on a disk that cannot be written/],
    ["EXDEV", { code: "EXDEV", path: "/a" }, /Copy \/a and remove it/],
    ["ENOMEM", { code: "ENOMEM" }, /in parts/],
    ["ETIMEDOUT", { code: "ETIMEDOUT", address: "10.0.0.9", port: 5432 }, /10\.0\.0\.9:5432 is up/],
    ["EHOSTUNREACH", { code: "EHOSTUNREACH", address: "::1", port: 80 }, /\[::1\]:80 can be reached/],
    [
      "an expired certificate",
      { code: "CERT_HAS_EXPIRED", host: "example.org" },
      /certificate of example\.org/,
    ],
    ["EAI_AGAIN", { code: "EAI_AGAIN", hostname: "db" }, /did not answer for db/],
  ])("know %s by its fields", (_, fields, suggestion) => {
    expect(handler.getRecoverySuggestions(Object.assign(new Error("x"), fields))[0]).toMatch(suggestion);
  });

  it("are the error's own where it has some, also those of a cause", () => {
    const own = new ValidationError("no date", { suggestions: ["Write it as 2026-01-31."] });
    expect(handler.getRecoverySuggestions(own)).toEqual(["Write it as 2026-01-31."]);
    expect(handler.getRecoverySuggestions(new Error("import failed", { cause: own }))).toEqual([
      "Write it as 2026-01-31.",
    ]);
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
