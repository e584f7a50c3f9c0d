/** Sums of x (minutes since midnight) and y (minutes of delay). Those of whole minutes are exact. */
export interface Moments {
  readonly n: number;
  readonly x: number;
  readonly y: number;
  readonly xx: number;
  readonly xy: number;
  readonly yy: number;
}

/** A straight line: `delay = intercept + slope * minutes since midnight`. */
export interface Line {
  readonly slope: number;
  readonly intercept: number;
  /** How much of the variance it explains, 0 to 1. */
  readonly r2: number;
}

export function momentsOf(xs: ArrayLike<number>, ys: ArrayLike<number>): Moments {
  const sums = { n: xs.length, x: 0, y: 0, xx: 0, xy: 0, yy: 0 };
  for (let i = 0; i < xs.length; i += 1) {
    const x = xs[i]!;
    const y = ys[i]!;
    sums.x += x;
    sums.y += y;
    sums.xx += x * x;
    sums.xy += x * y;
    sums.yy += y * y;
  }
  return sums;
}

/** The moments of all samples together. */
export function total(moments: readonly Moments[]): Moments {
  const sums = { n: 0, x: 0, y: 0, xx: 0, xy: 0, yy: 0 };
  for (const part of moments)
    for (const name of Object.keys(sums) as (keyof Moments)[]) sums[name] += part[name];
  return sums;
}

/**
 * Ordinary least squares in closed form: slope = Sxy / Sxx, r² = Sxy² / (Sxx Syy). Where all x
 * are the same no slope can be told, and the line is the mean.
 */
export function fit({ n, x, y, xx, xy, yy }: Moments): Line {
  const sxx = xx - (x * x) / n;
  const sxy = xy - (x * y) / n;
  const syy = yy - (y * y) / n;
  if (!(sxx > 0)) return { slope: 0, intercept: y / n, r2: 0 };
  const slope = sxy / sxx;
  return { slope, intercept: (y - slope * x) / n, r2: syy > 0 ? (sxy * sxy) / (sxx * syy) : 1 };
}
