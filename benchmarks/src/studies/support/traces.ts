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

/** The keys that are asked for, in order. */
export type Trace = readonly number[];

/** Requests for `keys` keys of which the k-th most popular is asked for in proportion to 1 / k^s. */
export function zipf(keys: number, s: number, length: number, seed = 1): Trace {
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

/** Popular keys, and now and then a pass over keys that nobody asks for again, as a report or a backup makes it. */
export function scan(length: number): Trace {
  const popular = zipf(2_000, 0.9, length);
  return popular.map((key, index) => (index % 8_000 < 5_000 ? key : 1_000_000 + index));
}

/** The same keys round and round, as a batch job asks for them. */
export function loop(keys: number, length: number): Trace {
  return Array.from({ length }, (_, index) => index % keys);
}

/** Popular keys and a loop in turns, as the public `glimpse` trace mixes them. */
export function alternating(length: number): Trace {
  const popular = zipf(5_000, 0.9, length, 5);
  return popular.map((key, index) => (index % 3_500 < 2_000 ? key : 1_000_000 + ((index % 3_500) - 2_000)));
}

/** What is popular becomes something else, several times. */
export function shifting(length: number): Trace {
  const phases = 8;
  return Array.from({ length: phases }, (_, phase) =>
    zipf(10_000, 0.95, length / phases, phase + 1).map((key) => key + phase * 3_000),
  ).flat();
}
