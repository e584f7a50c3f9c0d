import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable, Transform } from "node:stream";
import { ModelError } from "@mlmcp/core";
import { serializeSnapshot } from "../values/codec.js";
import { takeSnapshot, UnstorableError } from "../values/snapshot.js";
import type { ArtifactKind } from "./model-info.js";

/** An artifact that stands in a file of the application's. */
export interface ArtifactFile {
  readonly file: string;
}

/** An artifact as bytes that flow. */
export interface Flow {
  readonly kind: ArtifactKind;
  readonly bytes: Readable;
  /** How many there will be, where that is known. */
  readonly total: number | undefined;
}

/**
 * Takes what was given as a model, in a copy where its owner could change it. What comes back
 * gives its bytes.
 *
 * @throws ModelError `MLMCP_MODEL_ARTIFACT` for what cannot be stored
 */
export function takeArtifact(name: string, model: unknown): () => Promise<Flow> {
  if (Buffer.isBuffer(model)) {
    const copy = Buffer.from(model);
    return async () => flowOf("bytes", copy);
  }
  if (model instanceof Readable) return async () => ({ kind: "stream", bytes: model, total: undefined });
  if (isIterable(model)) {
    const bytes = Readable.from(model, { objectMode: false });
    return async () => ({ kind: "stream", bytes, total: undefined });
  }
  if (isFile(model)) return () => fromFile(name, model.file);
  const refuse = (cause: unknown): unknown =>
    cause instanceof UnstorableError ? unstorable(name, cause) : cause;
  try {
    const snapshot = takeSnapshot(model);
    return async () => {
      try {
        return flowOf("value", await serializeSnapshot(snapshot));
      } catch (error) {
        throw refuse(error);
      }
    };
  } catch (error) {
    throw refuse(error);
  }
}

function unstorable(name: string, cause: UnstorableError): ModelError {
  return new ModelError(
    `The model ${name} cannot be stored: ${cause.message}. Give bytes, a stream, a file or plain data, or register the class with cacheable().`,
    { code: "MLMCP_MODEL_ARTIFACT", cause, context: { name } },
  );
}

async function fromFile(name: string, file: string): Promise<Flow> {
  try {
    const { size } = await stat(file);
    return { kind: "stream", bytes: createReadStream(file), total: size };
  } catch (cause) {
    throw new ModelError(
      `The file ${file} of the model ${name} cannot be read: ${(cause as Error).message}`,
      { code: "MLMCP_MODEL_ARTIFACT", cause, context: { name, file } },
    );
  }
}

function flowOf(kind: ArtifactKind, bytes: Buffer): Flow {
  return { kind, bytes: Readable.from(slicesOf(bytes)), total: bytes.length };
}

/** So that progress is told, and an abort heard, before all has gone. */
function* slicesOf(bytes: Buffer): Generator<Buffer> {
  const step = 1 << 20;
  for (let begin = 0; begin < bytes.length; begin += step) yield bytes.subarray(begin, begin + step);
}

function isIterable(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function isFile(value: unknown): value is ArtifactFile {
  if (typeof value !== "object" || value === null) return false;
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === "file" && typeof (value as ArtifactFile).file === "string";
}

/** Passes bytes on, counts them and computes their SHA-256. */
export class Meter extends Transform {
  readonly #hash: Hash = createHash("sha256");
  readonly #onBytes: ((bytes: number) => void) | undefined;
  bytes = 0;

  constructor(onBytes?: (bytes: number) => void) {
    super();
    this.#onBytes = onBytes;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: null, chunk: Buffer) => void): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    this.#onBytes?.(this.bytes);
    done(null, chunk);
  }

  /** To be asked once, when all has passed. In hexadecimal. */
  sha256(): string {
    return this.#hash.digest("hex");
  }
}
