/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Requests for `keys` keys of which the k-th most popular is asked for in proportion to 1 / k^s. */
export function zipf(keys: number, s: number, length: number, seed = 1): number[] {
  const random = seeded(seed);
  const cumulative: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= keys; rank++) cumulative.push((sum += 1 / rank ** s));
  return Array.from({ length }, () => {
    const wanted = random() * sum;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}
