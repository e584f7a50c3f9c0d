/** A middle value and how far the middle half of all values spreads. */
export interface Spread {
  readonly median: number;
  readonly p25: number;
  readonly p75: number;
}

/**
 * The value below which the part `q` of all values lies, interpolated between the two nearest
 * ones (definition 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", 1996).
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError("Received no values: a quantile needs at least one.");
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}

/** Median and quartiles: what other work on the machine does to some batches leaves them nearly alone. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), p25: quantile(values, 0.25), p75: quantile(values, 0.75) };
}

/**
 * Compares two contenders round by round. The batches of one round ran within milliseconds of
 * each other, so a slow moment of the machine slows both and cancels out.
 */
export function paired(
  values: readonly number[],
  reference: readonly number[],
  compare: (value: number, reference: number) => number,
): Spread {
  if (values.length !== reference.length) {
    throw new RangeError(
      `Received ${values.length} values and ${reference.length} to compare them with: rounds do not match.`,
    );
  }
  return spreadOf(values.map((value, round) => compare(value, reference[round]!)));
}
