/** How long versions of a model are kept. */
export interface Retention {
  /** Milliseconds since a version was saved. @default for ever */
  readonly maxAge?: number;
  /** The latest so many versions. @default all */
  readonly keep?: number;
}

interface Kept {
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

/**
 * The versions that are to go: those that are too old, and those beyond the latest so many. The
 * latest one stays however old it is, and so does each that stands on a stage.
 *
 * @param versions the latest first
 */
export function outlived<Version extends Kept>(
  versions: readonly Version[],
  staged: ReadonlySet<string>,
  { maxAge = Infinity, keep = Infinity }: Retention,
): Version[] {
  const before = Date.now() - maxAge;
  return versions.filter(
    ({ version, created }, index) => index > 0 && !staged.has(version) && (index >= keep || created < before),
  );
}
