import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { DataLoadError } from "@mlmcp/core";

/** A file that exists and holds what its first and last bytes say. */
export interface DataFile {
  /** As the caller named it. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly format: "csv" | "parquet";
  readonly bytes: number;
  /** The beginning, at most 64 KiB. */
  readonly head: Buffer;
  /** Changes whenever the file does. */
  readonly identity: string;
}

const headBytes = 64 * 1024;

/** First bytes of what is often mistaken for a table. */
const foreign: ReadonlyArray<readonly [format: string, magic: Buffer]> = [
  ["an Arrow IPC file", Buffer.from("ARROW1")],
  ["a zip archive or an Excel workbook", Buffer.from("PK\x03\x04", "latin1")],
  ["a gzip archive", Buffer.from([0x1f, 0x8b])],
  ["a Zstandard archive", Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ["a SQLite database", Buffer.from("SQLite format 3\0")],
  ["a PDF document", Buffer.from("%PDF-")],
  ["an image", Buffer.from([0x89, 0x50, 0x4e, 0x47])],
];

/**
 * Looks at a file before any engine does, so that what is wrong with it can be said in plain
 * words.
 *
 * @throws DataLoadError where it is missing, unreadable, empty, or neither CSV nor Parquet.
 */
export async function inspectFile(name: string): Promise<DataFile> {
  const path = resolve(name);
  try {
    const facts = await stat(path, { bigint: true });
    if (facts.isDirectory()) throw refused(name, "is a directory", "Name one CSV or Parquet file in it.");
    if (!facts.isFile()) throw refused(name, "is a pipe, socket or device", "Write it to a file first.");
    const bytes = Number(facts.size);
    const [head, tail] = await ends(path, bytes);
    const identity = [path, facts.dev, facts.ino, facts.size, facts.mtimeNs, facts.ctimeNs].join(":");
    return { name, path, bytes, head, identity, format: formatOf(name, bytes, head, tail) };
  } catch (error) {
    throw error instanceof DataLoadError ? error : unreadable(name, path, error as NodeJS.ErrnoException);
  }
}

async function ends(path: string, bytes: number): Promise<[head: Buffer, tail: Buffer]> {
  const file = await open(path, "r");
  try {
    const read = async (length: number, position: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    };
    return [await read(Math.min(bytes, headBytes), 0), await read(4, Math.max(0, bytes - 4))];
  } finally {
    await file.close();
  }
}

function formatOf(name: string, bytes: number, head: Buffer, tail: Buffer): "csv" | "parquet" {
  const starts = (magic: string) => head.subarray(0, magic.length).equals(Buffer.from(magic));
  if (bytes === 0) throw refused(name, "is empty", "A CSV file has at least a line of column names.");
  if (starts("PAR1")) {
    if (bytes >= 12 && tail.equals(Buffer.from("PAR1"))) return "parquet";
    throw refused(name, `is a Parquet file that was cut off after ${bytes} bytes`, "Write or copy it again.");
  }
  if (/\.parquet$/i.test(name)) {
    throw refused(name, "is called Parquet, but does not begin as one (PAR1)", "Check what wrote it.");
  }
  const known = foreign.find(([, magic]) => head.subarray(0, magic.length).equals(magic));
  if (known) throw refused(name, `is ${known[0]}`, "Unpack or export it as CSV or Parquet.");
  if (/^\s*[[{]\s*["[{]/.test(head.subarray(0, 256).toString("latin1"))) {
    throw refused(name, "is JSON", "Export it as CSV or Parquet.");
  }
  if (head.includes(0)) throw refused(name, "is binary", "Text in UTF-16 must be converted to UTF-8.");
  return "csv";
}

function refused(name: string, what: string, todo: string): DataLoadError {
  return new DataLoadError(`${name} ${what}; a CSV or Parquet file is needed. ${todo}`, {
    code: "MLMCP_DATA_FORMAT",
    context: { file: name },
    suggestions: [todo],
  });
}

const reasons: Record<string, readonly [what: string, todo: string]> = {
  ENOENT: ["does not exist", "Check the path; a relative one starts in the process's working directory."],
  ENOTDIR: ["leads through something that is not a directory", "Check the path."],
  EACCES: ["may not be read by this user", "Grant the right to read it."],
  EPERM: ["may not be read by this user", "Grant the right to read it."],
  ELOOP: ["is a symbolic link that leads to itself", "Point the link at a file."],
};

function unreadable(name: string, path: string, cause: NodeJS.ErrnoException): DataLoadError {
  const [what, todo] = reasons[cause.code ?? ""] ?? [
    `cannot be read (${cause.message})`,
    "Check the file and its disk.",
  ];
  const shown = name === path ? name : `${name} (${path})`;
  return new DataLoadError(`${shown} ${what}. ${todo}`, {
    code: cause.code === "ENOENT" ? "MLMCP_DATA_MISSING" : "MLMCP_DATA_UNREADABLE",
    cause,
    context: { file: name, path },
    suggestions: [todo],
  });
}
