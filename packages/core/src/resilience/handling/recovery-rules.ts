import type { Classified } from "../classification/error-class.js";
import { read, readText } from "../classification/thrown.js";
import { retryAfterOf } from "../retry/retry-after.js";

/** What to do, one sentence each, the likeliest first. */
export type Advice = (error: unknown) => readonly string[];

/** Where nothing more is known. */
export const byClass: Readonly<Record<Classified, readonly string[]>> = {
  transient: [
    "Try again after a while.",
    "If it goes on, check the service that was called: its health, load and reach.",
  ],
  permanent: ["The same call fails again: change what it asks for, or the code or configuration behind it."],
  resource: ["Free what is used up, or raise its limit; until then make fewer calls at the same time."],
  validation: [
    "Correct what was passed in; the message and the issues of the error say what is wrong with it.",
  ],
  cancelled: ["Nothing is wrong: the caller gave the work up, or its time was over."],
  unknown: [],
};

/** `/tmp/x`, or what to call it where the error does not say. */
function pathOf(error: unknown, otherwise: string): string {
  return readText(error, "path") || readText(error, "dest") || otherwise;
}

/** `localhost:5432`, as far as the error says. */
function peerOf(error: unknown): string {
  const host = readText(error, "hostname") || readText(error, "address") || readText(error, "host");
  const port = read(error, "port");
  if (!host) return typeof port === "number" ? `port ${port}` : "the other side";
  return typeof port === "number" ? `${host.includes(":") ? `[${host}]` : host}:${port}` : host;
}

const unreachable: Advice = (error) => [
  `Check that ${peerOf(error)} can be reached from here: routes, firewalls, VPN.`,
  "Try again once the network is back.",
];

const timedOut: Advice = (error) => [
  `Check that ${peerOf(error)} is up and not overloaded, and that no firewall drops its packets.`,
  "Give the call more time where the work is large, or ask for less at once.",
];

const connectionLost: Advice = (error) => [
  `Try again: ${peerOf(error)} has closed the connection.`,
  "If it goes on, look into its log, and compare its idle time limit with that of the connection pool here.",
];

const noResolver: Advice = (error) => [
  `Try again: the DNS server did not answer for ${readText(error, "hostname") || "the host"}.`,
  "If it goes on, check the resolver of this machine: /etc/resolv.conf, VPN, the network.",
];

const noTls: Advice = (error) => [
  `Check the scheme and the port: ${peerOf(error)} does not speak TLS there. Use http:// where that is meant.`,
];

const noHttp: Advice = () => [
  "Check the scheme and the port: what answers there does not speak HTTP. Use https:// where that is meant.",
];

const certificate: Advice = (error) => [
  `Check the certificate of ${peerOf(error)}: its dates, its names and who signed it.`,
  "For a private authority name its certificate in NODE_EXTRA_CA_CERTS; do not turn the check off.",
];

const outOfMemory: Advice = () => [
  "Process the data in parts: read it as a stream, or in chunks of rows, in place of all at once.",
  "Give the process more memory: NODE_OPTIONS=--max-old-space-size=<megabytes>, and the container's limit with it.",
];

const tooManyFiles: Advice = () => [
  "Raise the limit of open files: `ulimit -n` shows it; LimitNOFILE under systemd.",
  "Open fewer at once, and look for files and sockets that are never closed: `lsof -p <pid>`.",
];

const databaseBusy: Advice = () => [
  "Try again: another connection holds the lock.",
  "Keep transactions short, and for SQLITE_BUSY use WAL and a busy_timeout.",
];

const notAllowed: Advice = (error) => [
  `Give the user of the process the right to ${pathOf(error, "what it asked for")}, or name another place.`,
  "Check what the process may do: its user, `ls -l`, and the mounts and capabilities of its container.",
];

const full: Advice = (error) => [
  `Free space where ${pathOf(error, "the data")} lies: \`df -h\` and \`df -i\` show what is full.`,
  "Write to another disk, or remove old logs, caches and temporary files.",
];

export const byCode: Readonly<Record<string, Advice>> = {
  ENOSPC: full,
  EDQUOT: full,
  EMFILE: tooManyFiles,
  ENFILE: tooManyFiles,
  ENOMEM: outOfMemory,
  ERR_WORKER_OUT_OF_MEMORY: () => [
    "Give the worker more memory: `resourceLimits.maxOldGenerationSizeMb`, or send it less at a time.",
    "Look for what it keeps: a heap snapshot of a worker that is still well shows it.",
  ],
  ERR_STRING_TOO_LONG: outOfMemory,
  ERR_BUFFER_TOO_LARGE: outOfMemory,
  ERR_FS_FILE_TOO_LARGE: outOfMemory,
  ENOENT: (error) =>
    readText(error, "syscall").startsWith("spawn")
      ? [
          `Install the program ${pathOf(error, "that was started")}, or name its full path: it is not in PATH.`,
        ]
      : [
          `Check that ${pathOf(error, "the file")} exists and is spelt like this.`,
          `A relative path begins at the working directory, which is ${process.cwd()}.`,
        ],
  EACCES: notAllowed,
  EPERM: notAllowed,
  EROFS: (error) => [
    `${pathOf(error, "The file")} lies on a disk that cannot be written: name another place, or mount it for writing.`,
  ],
  EEXIST: (error) => [`Remove ${pathOf(error, "what is there")} first, or choose another name.`],
  EISDIR: (error) => [`${pathOf(error, "The path")} is a directory: name a file in it.`],
  ENOTDIR: (error) => [
    `A part of ${pathOf(error, "the path")} is a file and no directory: correct the path.`,
  ],
  ENOTEMPTY: (error) => [
    `Empty ${pathOf(error, "the directory")} first, or remove it with all that is in it.`,
  ],
  EBUSY: (error) => [`Something else uses ${pathOf(error, "it")}: close that, then try again.`],
  EXDEV: (error) => [
    `Copy ${pathOf(error, "the file")} and remove it: a move cannot cross from one disk to another.`,
  ],
  ELOOP: (error) => [`${pathOf(error, "The path")} leads in a circle of symbolic links: mend one of them.`],
  ENAMETOOLONG: () => ["Shorten the path: a name has at most 255 bytes."],
  ECONNREFUSED: (error) => [
    `Start the service at ${peerOf(error)}, or correct host and port: nothing listens there.`,
    "In a container, `localhost` is the container itself: name the other one's service.",
  ],
  ECONNRESET: connectionLost,
  ECONNABORTED: connectionLost,
  EPIPE: connectionLost,
  UND_ERR_SOCKET: connectionLost,
  ERR_STREAM_PREMATURE_CLOSE: connectionLost,
  PROTOCOL_CONNECTION_LOST: connectionLost,
  ETIMEDOUT: timedOut,
  ESOCKETTIMEDOUT: timedOut,
  UND_ERR_CONNECT_TIMEOUT: timedOut,
  UND_ERR_HEADERS_TIMEOUT: timedOut,
  UND_ERR_BODY_TIMEOUT: timedOut,
  ENOTFOUND: (error) => [
    `Check the spelling of the host ${readText(error, "hostname") || "name"}: DNS does not know it.`,
    "Check the resolver of this machine: /etc/resolv.conf, VPN, the cluster's DNS.",
  ],
  EAI_AGAIN: noResolver,
  ESERVFAIL: noResolver,
  EREFUSED: noResolver,
  ETIMEOUT: noResolver,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  EHOSTDOWN: unreachable,
  EADDRINUSE: (error) => [
    `Stop what listens on ${peerOf(error)}, or choose another port: \`ss -ltnp\` shows who it is.`,
  ],
  EADDRNOTAVAIL: (error) => [
    `Listen on an address of this machine: ${peerOf(error)} is none. \`ip addr\` lists them.`,
  ],
  CERT_HAS_EXPIRED: certificate,
  DEPTH_ZERO_SELF_SIGNED_CERT: certificate,
  SELF_SIGNED_CERT_IN_CHAIN: certificate,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate,
  ERR_TLS_CERT_ALTNAME_INVALID: certificate,
  EPROTO: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  HPE_INVALID_CONSTANT: noHttp,
  ERR_INVALID_URL: (error) => [
    `Write the address with its scheme, as in https://host/path: received ${JSON.stringify(readText(error, "input"))}.`,
  ],
  ERR_MODULE_NOT_FOUND: () => [
    "Install the package, or correct the path; relative imports need the ending `.js`.",
  ],
  MODULE_NOT_FOUND: () => ["Install the package, or correct the path."],
  ER_LOCK_DEADLOCK: databaseBusy,
  ER_LOCK_WAIT_TIMEOUT: databaseBusy,
  ER_DUP_ENTRY: () => ["The row exists already: update it, or use another key."],
  P2002: () => ["The row exists already: update it (`upsert`), or use another key."],
};

export const bySqlite: Readonly<Record<string, Advice>> = {
  SQLITE_BUSY: databaseBusy,
  SQLITE_LOCKED: databaseBusy,
  SQLITE_FULL: full,
  SQLITE_NOMEM: outOfMemory,
  SQLITE_READONLY: notAllowed,
  SQLITE_CANTOPEN: () => [
    "Check that the directory of the database exists and that the process may write to it.",
  ],
  SQLITE_CORRUPT: () => [
    "Restore the database from a backup: `pragma integrity_check` shows what is damaged.",
  ],
  SQLITE_NOTADB: () => ["The file is no SQLite database, or it is encrypted: check the path."],
};

export const bySqlState: Readonly<Record<string, Advice>> = {
  "40001": databaseBusy,
  "40P01": databaseBusy,
  "55P03": databaseBusy,
  "23505": () => ["The row exists already: update it (`on conflict`), or use another key."],
  "23503": () => ["The row that it refers to does not exist: insert that one first."],
  "53100": full,
  "53200": outOfMemory,
  "53300": () => ["Make the connection pools smaller, or raise max_connections of the database."],
  "57P03": () => ["Try again: the database is starting or shutting down."],
  "28": () => ["Check the user and the password of the database connection."],
  "08": connectionLost,
  "42": () => ["Correct the statement, or migrate the database: it names what is not there or not allowed."],
};

export const serverFailed: Advice = () => [
  "Try again after a while: the fault is at the server.",
  "If it goes on, look at the server's status page and log.",
];

export const byStatus: Readonly<Record<number, Advice>> = {
  400: () => ["Correct the request: the body of the response says what the server does not accept."],
  401: () => ["Check the credential: it is missing, wrong or has expired; renew the token."],
  403: () => ["Ask for the right to do this: the server knows who asks, and refuses."],
  404: () => ["Check the address: the server has nothing there."],
  408: timedOut,
  409: () => ["Read what is there now, and apply the change to that: somebody else was faster."],
  413: () => ["Send less at once: the server refuses a request of this size."],
  422: () => ["Correct the request: the body of the response says which fields are wrong."],
  429: (error) => {
    const wait = retryAfterOf(error, Date.now());
    return [
      wait === undefined
        ? "Wait before the next request."
        : `Wait ${Math.ceil(wait / 1000)} s before the next request.`,
      "Ask less often (`@rateLimit`), keep answers (`@cached`), or get a higher limit.",
    ];
  },
  503: (error) => {
    const wait = retryAfterOf(error, Date.now());
    return wait === undefined
      ? serverFailed(error)
      : [`Try again in ${Math.ceil(wait / 1000)} s, as the server asks.`, ...serverFailed(error).slice(1)];
  },
  504: timedOut,
  507: () => ["Free space at the server, or send less."],
};

/** Errors without a code, by what the engine writes. The first that fits counts. */
export const byKind: ReadonlyArray<{
  readonly name: string;
  readonly message: RegExp;
  readonly advice: Advice;
}> = [
  // A child process that came to this; of the process itself nothing is left to tell.
  { name: "Error", message: /JavaScript heap out of memory/, advice: outOfMemory },
  {
    name: "RangeError",
    message:
      /^(invalid (array|string|typed array|array buffer) length|array buffer allocation failed|(map|set) maximum size)/i,
    advice: outOfMemory,
  },
  {
    name: "RangeError",
    message: /^maximum call stack/i,
    advice: () => ["Look for a recursion that does not end, or walk deep data with a loop."],
  },
  {
    name: "SyntaxError",
    message: /JSON/,
    advice: () => [
      "Look at the text itself: it is no JSON. An error page, an empty answer or one cut short is the usual reason.",
      "Check the status and the content type of a response before parsing it.",
    ],
  },
  { name: "TimeoutError", message: /(?:)/, advice: timedOut },
  {
    name: "ReferenceError",
    message: /(?:)/,
    advice: () => ["Mend the code at the first line of the stack: it uses a name that is not defined."],
  },
  {
    name: "TypeError",
    message:
      /^cannot read propert|is not a function|is not iterable|^cannot set propert|^cannot destructure/i,
    advice: () => ["Mend the code at the first line of the stack: a value is not what it takes it for."],
  },
];
