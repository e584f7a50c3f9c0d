export interface Slope {
  /** Growth of `y` for each `x`, by least squares. */
  readonly value: number;
  /** The true one is below with 95 % confidence. */
  readonly upper: number;
}

/** One-sided 95 % quantiles of Student's t; from 30 degrees of freedom on the normal one is close. */
const T95 = [
  6.314, 2.92, 2.353, 2.132, 2.015, 1.943, 1.895, 1.86, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753,
  1.746, 1.74, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699,
];

/** The line through points whose errors are independent, such as heap sizes after full collections. */
export function slopeOf(points: ReadonlyArray<readonly [x: number, y: number]>): Slope {
  const degrees = points.length - 2;
  if (degrees < 1) throw new RangeError(`A slope needs three points or more; received ${points.length}.`);
  const mean = (of: 0 | 1) => points.reduce((total, point) => total + point[of], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const xx = points.reduce((total, [x]) => total + (x - meanX) ** 2, 0);
  const xy = points.reduce((total, [x, y]) => total + (x - meanX) * (y - meanY), 0);
  const value = xy / xx;
  const residue = points.reduce((total, [x, y]) => total + (y - meanY - value * (x - meanX)) ** 2, 0);
  const error = Math.sqrt(residue / degrees / xx);
  return { value, upper: value + (T95[degrees - 1] ?? 1.699) * error };
}
