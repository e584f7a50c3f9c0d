import { createReadStream, createWriteStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createBrotliCompress, createBrotliDecompress } from "node:zlib";
import { createCipherStream, createDecipherStream } from "../values/cipher-stream.js";
import type { KeyRing } from "../values/encryption.js";
import { Meter, type Flow } from "./artifact.js";
import { privateFile } from "./files.js";
import type { Manifest, Packing } from "./model-info.js";

/** How artifacts are kept. */
export interface PackingOptions {
  readonly compress: boolean;
  /** Encrypts new artifacts, where there is one, and decrypts those that are. */
  readonly keys: KeyRing | undefined;
}

export interface Packed {
  readonly size: number;
  readonly sha256: string;
  readonly packing: Packing;
  /** The SHA-256 of the file itself. */
  readonly blob: string;
}

/** How far the work on an artifact is. */
export interface ModelProgress {
  /** Bytes of the artifact that are done. */
  readonly bytes: number;
  /** All of its bytes, where that is known. */
  readonly total: number | undefined;
}

export interface FlowOptions {
  /** Ends the work. */
  readonly signal?: AbortSignal;
  /** Told now and then how far the work is. */
  readonly onProgress?: (progress: ModelProgress) => void;
}

/** Writes an artifact to a new file and onto the disk. The owner's name makes it useless under another one where it is encrypted. */
export async function pack(
  owner: string,
  flow: Flow,
  file: string,
  { compress, keys }: PackingOptions,
  { signal, onProgress }: FlowOptions,
): Promise<Packed> {
  const given = new Meter((bytes) => onProgress?.({ bytes, total: flow.total }));
  const packed = new Meter();
  const steps: Transform[] = [given];
  // Quality 1 costs about as much time as writing does.
  if (compress) steps.push(createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }));
  if (keys) steps.push(createCipherStream(keys, contextOf(owner)));
  const target = createWriteStream(file, { flags: "wx", mode: privateFile });
  await pipeline([flow.bytes, ...steps, packed, target], { signal });
  const handle = await open(file);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return {
    size: given.bytes,
    sha256: given.sha256(),
    packing: { compressed: compress, encrypted: keys !== undefined, bytes: packed.bytes },
    blob: packed.sha256(),
  };
}

/**
 * The artifact that a manifest tells of. An end is to be trusted only when it is reached without
 * an error: whatever is not as it was fails the stream.
 */
export function unpack(
  file: string,
  { name, size, sha256, packing }: Manifest,
  keys: KeyRing | undefined,
  { signal, onProgress }: FlowOptions,
): Readable {
  const steps: Transform[] = [];
  if (packing.encrypted) {
    if (!keys) throw new Error("it is encrypted, and `cache.encryptionKey` is not set");
    steps.push(createDecipherStream(keys, contextOf(name)));
  }
  if (packing.compressed) steps.push(createBrotliDecompress());
  return Readable.from(verified(file, steps, { size, sha256, packing }, { signal, onProgress }), {
    objectMode: false,
  });
}

async function* verified(
  file: string,
  steps: readonly Transform[],
  { size, sha256, packing }: Pick<Manifest, "size" | "sha256" | "packing">,
  { signal, onProgress }: FlowOptions,
): AsyncGenerator<Buffer> {
  const { size: stored } = await stat(file);
  // Seen here before much has been read; and what follows compressed data would go unseen.
  if (stored !== packing.bytes) throw new Error(`its file has ${stored} of ${packing.bytes} bytes`);
  const meter = new Meter();
  const flowing = pipeline([createReadStream(file), ...steps, meter], { signal });
  // It fails the reading of the last step too, which is where it is heard.
  flowing.catch(() => undefined);
  for await (const chunk of meter as AsyncIterable<Buffer>) {
    // A few compressed bytes may claim to be gigabytes.
    if (meter.bytes > size) throw new Error(`it has more than the ${size} bytes that were saved`);
    onProgress?.({ bytes: meter.bytes, total: size });
    yield chunk;
  }
  if (meter.bytes !== size) throw new Error(`it has ${meter.bytes} of the ${size} bytes that were saved`);
  if (meter.sha256() !== sha256) throw new Error("its SHA-256 is another one than when it was saved");
}

function contextOf(owner: string): string {
  return `model ${owner}`;
}
