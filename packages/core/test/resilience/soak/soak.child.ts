// Calls a method under every advice very often, and prints what that leaves behind, as JSON:
// `node --expose-gc soak.child.mjs <calls>`.
import { Load, type Outcomes } from "./load.js";
import { slopeOf, type Slope } from "./slope.js";
import { followTimers } from "./timers.js";

export interface SoakReport {
  readonly calls: number;
  readonly outcomes: Outcomes;
  /** Heap in use after a full collection, by the calls made until then. Bytes. */
  readonly samples: ReadonlyArray<readonly [calls: number, bytes: number]>;
  readonly bytesPerCall: Slope;
  readonly seconds: number;
  /** Nothing, where nothing leaks. */
  readonly leftovers: readonly string[];
}

const SAMPLES = 20;

/** What is compiled, loaded and cached once belongs to no call. */
const WARM_UP = 0.1;

const [calls] = process.argv.slice(2).map(Number) as [number];
const timers = followTimers();
const began = performance.now();
const load = await Load.start();
const warmUp = calls * WARM_UP;
await load.run(warmUp);

const samples: Array<readonly [number, number]> = [];
const leftovers: string[] = [];
for (let sample = 0; sample < SAMPLES; sample++) {
  await load.run((calls - warmUp) / SAMPLES);
  leftovers.push(...load.leftovers());
  timers.forgetEnded();
  samples.push([warmUp + ((sample + 1) * (calls - warmUp)) / SAMPLES, await heapInUse()]);
}
const { outcomes } = load;
await load.kernel.stop();
leftovers.push(...timers.running());

const report: SoakReport = {
  calls: Object.values(outcomes).reduce((total, count) => total + count, 0),
  outcomes,
  samples,
  bytesPerCall: slopeOf(samples),
  seconds: (performance.now() - began) / 1000,
  leftovers,
};
process.stdout.write(JSON.stringify(report));

async function heapInUse(): Promise<number> {
  // Finalisers run between collections, and let go of more.
  for (let round = 0; round < 3; round++) {
    globalThis.gc!();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}
