import { appendFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { warnOnce } from "../../config/warnings.js";
import { makeFolder } from "../../config/writing/make-folder.js";

/** Where a log is written and how large it may become. */
export interface ErrorLogOptions {
  /** Absolute path. Its directory is made where it is missing. */
  readonly file: string;
  /** Bytes after which the file is put aside as `<file>.1`. */
  readonly maxSize: number;
  /** Files that are kept, the one that is written among them; older ones are deleted. */
  readonly maxFiles: number;
}

/** Lines that may wait for the disk; each further one is counted and left out. */
const mostWaiting = 10_000;

/**
 * Lines of JSON in a file that never becomes larger than it may: `errors.jsonl`, then
 * `errors.jsonl.1`, the newest of the older ones. Readable to their owner only.
 *
 * Writing never fails nor delays who logs. Lines wait their turn in memory; what the disk does not
 * take, or what comes faster than it takes, is counted and told in a line of its own
 * (`dropped`) as soon as one can be written. A disk that does not take a line is the warning
 * `MLMCP_ERROR_LOG`.
 */
export class ErrorLog {
  #waiting: string[] = [];
  #dropped = 0;
  #writing: Promise<void> | undefined;
  /** Bytes in the file; unknown until the first write, since it may be there already. */
  #size: number | undefined;

  constructor(readonly options: ErrorLogOptions) {}

  /** Adds an entry, which must be fit for `JSON.stringify`. */
  write(entry: object): void {
    if (this.#waiting.length >= mostWaiting) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(`${JSON.stringify(entry)}\n`);
    this.#writing ??= this.#drain();
  }

  /** Resolves when everything so far is in the file, or could not be written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    // What is logged in the same turn goes to the disk in one write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      const dropped = this.#dropped;
      this.#waiting = [];
      this.#dropped = 0;
      try {
        await this.#append(dropped > 0 ? [droppedLine(dropped), ...lines] : lines);
      } catch (error) {
        this.#dropped += dropped + lines.length;
        this.#size = undefined;
        const { file } = this.options;
        warnOnce("MLMCP_ERROR_LOG", `The error log ${file} cannot be written: ${(error as Error).message}`);
      }
    }
    this.#writing = undefined;
  }

  async #append(lines: readonly string[]): Promise<void> {
    const { file, maxSize } = this.options;
    if (this.#size === undefined) {
      await makeFolder(dirname(file), 0o700);
      this.#size = await sizeOf(file);
    }
    let batch: string[] = [];
    let bytes = 0;
    for (const line of lines) {
      const length = Buffer.byteLength(line);
      if (this.#size + bytes + length > maxSize && this.#size + bytes > 0) {
        await this.#flushBatch(batch, bytes);
        await this.#rotate();
        batch = [];
        bytes = 0;
      }
      batch.push(line);
      bytes += length;
    }
    await this.#flushBatch(batch, bytes);
  }

  async #flushBatch(batch: readonly string[], bytes: number): Promise<void> {
    if (batch.length === 0) return;
    await appendFile(this.options.file, batch.join(""), { mode: 0o600 });
    this.#size! += bytes;
  }

  /** `.2` becomes `.3`, `.1` becomes `.2`, and so on; the oldest is deleted. */
  async #rotate(): Promise<void> {
    const { file, maxFiles } = this.options;
    const older = (number: number) => (number === 0 ? file : `${file}.${number}`);
    await rm(older(maxFiles - 1), { force: true });
    for (let number = maxFiles - 2; number >= 0; number -= 1) await move(older(number), older(number + 1));
    this.#size = 0;
  }
}

function droppedLine(dropped: number): string {
  return `${JSON.stringify({ time: new Date().toISOString(), pid: process.pid, dropped })}\n`;
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
