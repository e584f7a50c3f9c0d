/** Something whose calls can be timed: nanoseconds for this many calls together. */
export interface Timed {
  readonly name: string;
  time(calls: number): Promise<number>;
}

export interface InterleavePlan {
  /** How many batches of each contender are measured. */
  readonly rounds: number;
  /** How long a batch should take, in milliseconds: short against the time slices of the system, long against the clock. */
  readonly batchMs: number;
  /** How long each contender runs before anything counts, in milliseconds: until the compiler has optimised it. */
  readonly warmUpMs: number;
}

/**
 * Measures contenders in turns: each round runs one batch of every contender, in an order drawn
 * anew. Returns nanoseconds a call for each contender and round; values of one index belong to
 * one round.
 */
export async function interleave(
  contenders: readonly Timed[],
  { rounds, batchMs, warmUpMs }: InterleavePlan,
  random: () => number = Math.random,
): Promise<Map<string, number[]>> {
  const batchNs = batchMs * 1e6;
  const batches = new Map<Timed, number>();
  for (const contender of contenders)
    batches.set(contender, await warmUp(contender, batchNs, warmUpMs * 1e6));
  const samples = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of shuffled(contenders, random)) {
      const calls = batches.get(contender)!;
      samples.get(contender.name)!.push((await contender.time(calls)) / calls);
    }
  }
  return samples;
}

/** Runs growing batches until the time is over; returns how many calls make a batch. */
async function warmUp(contender: Timed, batchNs: number, warmUpNs: number): Promise<number> {
  let calls = 16;
  let spent = 0;
  for (;;) {
    const ns = Math.max(1, await contender.time(calls));
    spent += ns;
    // At most tenfold: the first calls are far slower than what follows, and may be far faster than the clock can tell.
    const wanted = Math.max(1, Math.round(Math.min(calls * 10, (calls * batchNs) / ns)));
    if (spent >= warmUpNs && wanted < calls * 2) return wanted;
    calls = wanted;
  }
}

/** Fisher and Yates. */
export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
