/** What an artifact was given as, and is loaded as. */
export type ArtifactKind =
  /** A Buffer or another array of bytes. */
  | "bytes"
  /** A stream or an iterable of bytes, or a file; loaded as a stream. */
  | "stream"
  /** Any other value that the cache can keep. */
  | "value";

/** What a user tells of a model. More may be added. */
export interface GivenMetadata {
  /** How good it is, such as `{ auc: 0.91 }`. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** The names of what it takes, in their order. */
  readonly features?: readonly string[];
  readonly [name: string]: unknown;
}

/** What is known of one version of a model. */
export interface ModelMetadata extends GivenMetadata {
  readonly name: string;
  readonly version: string;
  readonly created: Date;
  /** Of the artifact as it was given; for a value, of its encoded form. */
  readonly size: number;
  /** Of the same bytes, in hexadecimal. */
  readonly sha256: string;
  readonly kind: ArtifactKind;
  /** On which stages this version stands. */
  readonly stages: readonly string[];
}

/** How the file of an artifact was made from its bytes, in this order. */
export interface Packing {
  readonly compressed: boolean;
  readonly encrypted: boolean;
  /** Of the file. */
  readonly bytes: number;
}

/** What stands in a manifest. */
export interface Manifest {
  readonly format: 1;
  readonly name: string;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly size: number;
  readonly sha256: string;
  readonly kind: ArtifactKind;
  readonly packing: Packing;
  readonly metadata: GivenMetadata;
}

/** @throws Error that says what a manifest of this version should say and does not */
export function checkManifest(
  found: unknown,
  expected: { readonly name: string; readonly version: string },
): Manifest {
  const manifest = (found ?? {}) as Partial<Manifest>;
  const { format, name, version, created, size, sha256, kind, packing, metadata } = manifest;
  if (format !== 1) throw new Error(`its format is ${JSON.stringify(format)}, expected 1`);
  if (name !== expected.name || version !== expected.version)
    throw new Error(`it is that of ${JSON.stringify(name)}, version ${JSON.stringify(version)}`);
  const isWhole =
    Number.isSafeInteger(created) &&
    Number.isSafeInteger(size) &&
    typeof sha256 === "string" &&
    (kind === "bytes" || kind === "stream" || kind === "value") &&
    Number.isSafeInteger(packing?.bytes) &&
    typeof metadata === "object";
  if (!isWhole) throw new Error("it does not say all that it should");
  return manifest as Manifest;
}
