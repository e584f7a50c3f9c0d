import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { link, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isMlmcpError, makeFolder } from "@mlmcp/core";
import { codeOf } from "./files.js";
import { unusable } from "./model-errors.js";

/**
 * Writes bytes to a file, whole or not at all; makes its folder where that is missing.
 *
 * @param options.overwrite replaces a file that is there
 * @throws ModelError `MLMCP_MODEL_FILES`, or what the bytes fail with
 */
export async function writeWhole(
  target: string,
  bytes: Readable,
  { overwrite }: { readonly overwrite: boolean },
): Promise<void> {
  const aside = `${target}.${randomUUID()}.tmp`;
  try {
    await makeFolder(dirname(target));
    await pipeline(bytes, createWriteStream(aside, { flags: "wx", mode: 0o600, flush: true }));
    if (overwrite) await rename(aside, target);
    else await link(aside, target);
  } catch (cause) {
    if (isMlmcpError(cause)) throw cause;
    // Whoever reads of it knows the file that was to be written, and no other.
    if (cause instanceof Error) cause.message = cause.message.replaceAll(aside, target);
    throw unusable(`${target} cannot be written`, codeOf(cause) === "EEXIST" ? "it is there already" : cause);
  } finally {
    // Where its folder is none, there is nothing to remove.
    await rm(aside, { force: true }).catch(() => undefined);
  }
}
