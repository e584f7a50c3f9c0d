/** A length of time: milliseconds, or a number with a unit. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** An amount of memory or storage: bytes, or a number with a unit. 1 KB is 1024 bytes. */
export type Size = number | `${number}${"B" | "KB" | "MB" | "GB" | "TB"}`;

const milliseconds: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const bytes: Record<string, number> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3, tb: 1024 ** 4 };

/**
 * Milliseconds of a {@link Duration}; `undefined` for anything else. Digits alone, as an
 * environment variable gives them, are milliseconds.
 *
 * ```ts
 * parseDuration("30m"); // 1800000
 * parseDuration("1.5 s"); // 1500
 * parseDuration("soon"); // undefined
 * ```
 */
export function parseDuration(value: unknown): number | undefined {
  return parse(value, milliseconds, "ms");
}

/**
 * Bytes of a {@link Size}, rounded down; `undefined` for anything else. `KiB` and `KB` are the
 * same 1024 bytes, in upper or lower case.
 *
 * ```ts
 * parseSize("64MB"); // 67108864
 * parseSize("1 KiB"); // 1024
 * ```
 */
export function parseSize(value: unknown): number | undefined {
  const parsed = parse(
    typeof value === "string" ? value.toLowerCase().replace("ib", "b") : value,
    bytes,
    "b",
  );
  return parsed === undefined ? undefined : Math.floor(parsed);
}

/**
 * Milliseconds as a {@link Duration} that a person reads, of exactly the same length.
 *
 * ```ts
 * formatDuration(1_800_000); // "30m"
 * formatDuration(1_500); // "1.5s"
 * formatDuration(1_234); // "1234ms"
 * ```
 */
export function formatDuration(value: number): string {
  return format(value, ["d", "h", "m", "s"], parseDuration) ?? `${value}ms`;
}

/** Bytes as a {@link Size} that a person reads, exactly as much: `64MB`. */
export function formatSize(value: number): string {
  return format(value, ["TB", "GB", "MB", "KB"], parseSize) ?? `${value}B`;
}

/** In the first unit of which there is at least one, with two decimals at most. */
function format(
  value: number,
  units: readonly string[],
  read: (text: string) => number | undefined,
): string | undefined {
  for (const unit of units) {
    const text = `${Number((value / read(`1${unit}`)!).toFixed(2))}${unit}`;
    if (value >= read(`1${unit}`)! && read(text) === value) return text;
  }
  return undefined;
}

function parse(value: unknown, units: Record<string, number>, fallback: string): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== "string") return undefined;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/.exec(value);
  if (match === null) return undefined;
  const unit = match[2] === "" ? fallback : match[2]!;
  const product = Object.hasOwn(units, unit) ? Number(match[1]) * units[unit]! : undefined;
  return product !== undefined && Number.isFinite(product) ? product : undefined;
}
