import { spawn } from "node:child_process";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { request } from "node:http";
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { connect as connectTls } from "node:tls";
import { freePort } from "../../../support/free-port.js";
import type { Fault } from "./fault.js";

/** What a server of the test's own comes to when it is asked. */
async function onServer(
  answer: (socket: Socket) => void,
  ask: (port: number) => Promise<unknown>,
): Promise<unknown> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    answer(socket.on("error", () => undefined));
  });
  try {
    return await ask(await listening(server));
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

async function listenTwice(): Promise<void> {
  const [first, second] = [createServer(), createServer()];
  try {
    const port = await listening(first);
    await once(second.listen(port, "127.0.0.1"), "listening");
  } finally {
    first.close();
  }
}

const hungUpOn = () =>
  onServer(
    (socket) => socket.resetAndDestroy(),
    async (port) => {
      const socket = createConnection(port, "127.0.0.1");
      socket.write("hello");
      // `close` without an error would be no fault.
      await once(socket, "close");
      throw new Error("it was closed without an error");
    },
  );

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

/** The limits of `fetch` take minutes; those of an agent like its own are ours to say. */
async function impatientFetch(url: string, limits: object): Promise<string> {
  await fetch("data:,");
  const agent = (globalThis as Record<symbol, object>)[Symbol.for("undici.globalDispatcher.1")]!;
  const Agent = agent.constructor as new (limits: object) => object;
  const response = await fetch(url, { dispatcher: new Agent(limits) } as RequestInit);
  return response.text();
}

const answering = (text: string) => (socket: Socket) => void socket.once("data", () => socket.write(text));
const begunAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx";

/** A server that does not accept, behind a queue that is full: its kernel leaves connections waiting. */
async function connectInVain(): Promise<void> {
  const stopped = `
    const server = require("node:net").createServer();
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      process.stdout.write(String(server.address().port), () => process.kill(process.pid, "SIGSTOP"));
    });`;
  const child = spawn(process.execPath, ["-e", stopped], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(said);
  const queue: Socket[] = [];
  try {
    do queue.push(createConnection(port, "127.0.0.1").on("error", () => undefined));
    while (await connects(queue.at(-1)!));
    const socket = createConnection({
      port,
      host: "db.example",
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: 30,
      // Nothing listens on the second, so that it fails at once.
      lookup: (_host, _options, done) =>
        done(null, [
          { address: "127.0.0.1", family: 4 },
          { address: "127.0.0.2", family: 4 },
        ]),
    });
    await once(socket, "connect");
  } finally {
    for (const socket of queue) socket.destroy();
    child.kill("SIGKILL");
  }
}

/** Whether it does so at once, as to this machine it does where there is room. */
const connects = (socket: Socket): Promise<boolean> =>
  new Promise((resolve) => {
    const waiting = setTimeout(resolve, 1_000, false);
    socket.once("connect", () => {
      clearTimeout(waiting);
      resolve(true);
    });
  });

export const network: Fault[] = [
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
  ["ENOTFOUND or EAI_AGAIN", () => lookup("no-such-host.invalid"), "transient", /no-such-host\.invalid/],
  ["ECONNRESET", hungUpOn, "transient", /has closed the connection/],
  ["EPIPE", writeInVain, "transient", /has closed the connection/],
  [
    "ENETUNREACH: a connection to many",
    () => once(createConnection(80, "224.0.0.1"), "connect"),
    "transient",
    /Check that 224\.0\.0\.1:80 can be reached/,
  ],
  ...(process.platform === "linux"
    ? ([["ETIMEDOUT", connectInVain, "transient", /Check that 127\.0\.0\.1:\d+ is up/]] satisfies Fault[])
    : []),
  [
    "UND_ERR_SOCKET: an answer that is cut off",
    () =>
      onServer(
        (socket) => socket.once("data", () => socket.end(begunAnswer)),
        async (port) => (await fetch(`http://127.0.0.1:${port}`)).text(),
      ),
    "transient",
    /has closed the connection/,
  ],
  [
    "UND_ERR_HEADERS_TIMEOUT",
    () =>
      onServer(
        () => undefined,
        (port) => impatientFetch(`http://127.0.0.1:${port}`, { headersTimeout: 50 }),
      ),
    "transient",
    /is up and not overloaded/,
  ],
  [
    "UND_ERR_BODY_TIMEOUT",
    () =>
      onServer(answering(begunAnswer), (port) =>
        impatientFetch(`http://127.0.0.1:${port}`, { bodyTimeout: 50 }),
      ),
    "transient",
    /is up and not overloaded/,
  ],
  [
    "UND_ERR_CONNECT_TIMEOUT: no handshake",
    () =>
      onServer(
        () => undefined,
        (port) => impatientFetch(`https://127.0.0.1:${port}`, { connect: { timeout: 50 } }),
      ),
    "transient",
    /is up and not overloaded/,
  ],
  [
    "ERR_STREAM_PREMATURE_CLOSE",
    async () => {
      const stream = new Readable({ read: () => undefined });
      const end = finished(stream);
      stream.destroy();
      await end;
    },
    "transient",
    /has closed the connection/,
  ],
  [
    "ERR_SSL_WRONG_VERSION_NUMBER: TLS to a server that speaks none",
    () =>
      onServer(answering("HTTP/1.1 400 Bad Request\r\n\r\n"), (port) =>
        once(connectTls({ port, host: "127.0.0.1" }), "secureConnect"),
      ),
    "permanent",
    /does not speak TLS/,
  ],
  [
    "HPE_INVALID_CONSTANT: HTTP to a server that speaks none",
    () =>
      onServer(answering("-ERR unknown command\r\n"), (port) =>
        once(request({ port, host: "127.0.0.1" }).end(), "response"),
      ),
    "permanent",
    /does not speak HTTP/,
  ],
  [
    "ERR_INVALID_URL",
    () => fetch("localhost/x"),
    "permanent",
    /Write the address with its scheme.*localhost\/x/,
  ],
  [
    "TimeoutError of a signal",
    async () => {
      const signal = AbortSignal.timeout(1);
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason as Error)),
      );
    },
    "transient",
    /is up and not overloaded/,
  ],
  [
    "a fetch that its caller gave up",
    () =>
      onServer(
        () => undefined,
        (port) => fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(1) }),
      ),
    "transient",
    /is up and not overloaded/,
  ],
];
