import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** No configuration is larger; what is, is something else. Bytes. */
const MAX_FILE_SIZE = 1024 * 1024;

/**
 * The text of a regular file of at most `limit` bytes. A pipe or a device is refused, which could
 * keep the reader waiting, or never end.
 */
export async function readBounded(file: string, limit: number = MAX_FILE_SIZE): Promise<string> {
  // Opening a pipe would wait for somebody to write to it.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await handle.stat();
    if (!stats.isFile() && !stats.isDirectory()) throw new Error("it is no regular file");
    const chunks: Buffer[] = [];
    let size = 0;
    // Not by its size, which it may outgrow, and which the files of /proc do not have.
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(64 * 1024));
      if (bytesRead === 0) return decode(Buffer.concat(chunks));
      chunks.push(buffer.subarray(0, bytesRead));
      size += bytesRead;
      if (size > limit) throw new Error(`it is larger than ${limit / 1024} KB`);
    }
  } finally {
    await handle.close();
  }
}

/** Other encodings are refused: read as UTF-8 and written again, their letters would be lost. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error("it is not text in UTF-8");
  }
}
