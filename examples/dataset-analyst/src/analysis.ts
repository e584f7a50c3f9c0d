import { CircuitBreakers, type Kernel } from "@mlmcp/core";
import { CacheManager } from "@mlmcp/plugin-cache";
import { MemoryOptimizer, type TableStatistics } from "@mlmcp/plugin-memory";
import { PerformanceMonitor, type OperationSummary } from "@mlmcp/plugin-monitor";
import { ParallelProcessor } from "@mlmcp/plugin-parallel";
import { Delays } from "./delays.js";
import type { DelayReport, Dimension } from "./dimensions.js";
import { Drill } from "./drill.js";
import { Models } from "./models.js";
import { Profiler } from "./profiler.js";
import type { Progress } from "./progress.js";
import { Sample } from "./sample.js";
import { Scorer } from "./scorer.js";
import { Steps, type Check, type Step } from "./steps.js";
import { Training, type TrainingResult } from "./training.js";

const reported = ["airport", "route", "hour", "month"] as const satisfies readonly Dimension[];

/** What one pass over the data finds out. */
export interface Findings {
  readonly profile: TableStatistics;
  readonly delays: Readonly<Record<(typeof reported)[number], DelayReport>>;
  readonly training: TrainingResult;
}

/** How the models did on flights that they had not seen. Errors in minutes. */
export interface Scores {
  readonly flights: number;
  /** Root of the mean squared error. */
  readonly rmse: number;
  /** Mean absolute error. */
  readonly mae: number;
  /** `rmse` of always saying the mean of the flights learned from. */
  readonly baselineRmse: number;
  readonly milliseconds: number;
  /** The most memory that the process has had, in bytes. */
  readonly peakRss: number;
}

/** One round of the drill. */
export interface DrillRound {
  readonly dimension: Dimension;
  /** Times that the data source failed. */
  readonly failures: number;
  /** Times that the method was tried again. */
  readonly retried: number;
  readonly degraded: boolean;
  readonly breaker: string;
  readonly report: DelayReport;
}

export interface AnalysisResult extends Findings {
  readonly scores: Scores;
  readonly drill: { readonly transient?: DrillRound; readonly outage?: DrillRound };
  readonly passes: { readonly firstMs: number; readonly secondMs: number; readonly speedup: number };
  /** Ids of the worker threads that have run something. */
  readonly workers: readonly number[];
  readonly operations: readonly OperationSummary[];
  readonly steps: readonly Step[];
  readonly held: boolean;
}

/** The whole analysis of one file. */
export class Analysis {
  readonly #kernel: Kernel;
  readonly #flights: string;
  readonly #steps: Steps;

  constructor(kernel: Kernel, flights: string, progress: Progress) {
    this.#kernel = kernel;
    this.#flights = flights;
    this.#steps = new Steps(progress);
  }

  async run(): Promise<AnalysisResult> {
    const steps = this.#steps;
    // What an earlier run has left in the cache would make the first pass a second one.
    await this.#kernel.resolve(CacheManager).clear();
    const started = performance.now();
    const profile = await steps.run("profile every column", (check) => this.#profile(check));
    const delays = await steps.run("delays by airport, route, hour and month", (check) =>
      this.#delays(check),
    );
    const training = await steps.run("train a model for each airport in workers", (check) =>
      this.#train(check),
    );
    const first = { findings: { profile, delays, training }, milliseconds: performance.now() - started };
    const scores = await steps.run("score the flights held out, all at once", (check) =>
      this.#score(check, training),
    );
    const drill = await steps.run("drill: the data source fails", (check) => this.#drill(check));
    const secondMs = await steps.run("the same again from the cache", (check) =>
      this.#again(check, first.findings),
    );
    return {
      ...first.findings,
      scores,
      drill,
      passes: { firstMs: first.milliseconds, secondMs, speedup: first.milliseconds / secondMs },
      workers: this.#kernel.resolve(ParallelProcessor).workerIds(),
      operations: this.#kernel.resolve(PerformanceMonitor).summary(),
      steps: steps.all,
      held: steps.held,
    };
  }

  async #profile(check: Check): Promise<TableStatistics> {
    const profile = await this.#kernel.resolve(Profiler).profile(this.#flights);
    check(profile.rows > 0, "the file has no rows");
    check(
      profile.columns.every(({ count, nulls }) => count + nulls === profile.rows),
      "a column was not counted to its end",
    );
    return profile;
  }

  async #delays(check: Check): Promise<Findings["delays"]> {
    await this.#kernel.resolve(Sample).take(this.#flights);
    const delays = this.#kernel.resolve(Delays);
    const entries: [Dimension, DelayReport][] = [];
    for (const dimension of reported) {
      const report = await delays.by(dimension, this.#flights);
      check(report.source === "all flights" && report.rows.length > 0, `delays by ${dimension} are missing`);
      entries.push([dimension, report]);
    }
    return Object.fromEntries(entries) as unknown as Findings["delays"];
  }

  async #train(check: Check): Promise<TrainingResult> {
    const training = await this.#kernel.resolve(Training).run(this.#flights);
    const workers = this.#kernel.resolve(ParallelProcessor).workerIds();
    check(training.models.length > 0, "no model was trained");
    check(new Set(workers).size >= 2, `${workers.length} worker(s) ran, two were expected`);
    return training;
  }

  async #score(check: Check, { id, overall }: TrainingResult): Promise<Scores> {
    const scorer = this.#kernel.resolve(Scorer);
    const flights = await this.#kernel.resolve(Training).heldOut(this.#flights);
    const models = this.#kernel.resolve(Models);
    // Each once, before a hundred thousand ask for them at the same time.
    await Promise.all(
      Array.from(new Set(flights.map(({ origin }) => origin)), (origin) => models.load(id, origin)),
    );
    const started = performance.now();
    const expected = await Promise.all(
      flights.map(({ origin, minutes }) => scorer.score(id, { origin, minutes })),
    );
    const milliseconds = performance.now() - started;
    const meanOf = (error: (delay: number, index: number) => number) =>
      flights.reduce((sum, { delay }, index) => sum + error(delay, index), 0) / flights.length;
    const mean = overall.moments.y / overall.moments.n;
    const { peakRss } = this.#kernel.resolve(MemoryOptimizer).processStats();
    check(expected.every(Number.isFinite), "a flight was not scored");
    check(milliseconds < 120_000, "scoring took longer than two minutes");
    check(peakRss < 1e9, `the process took ${peakRss} bytes of memory, more than a gigabyte`);
    return {
      flights: flights.length,
      rmse: Math.sqrt(meanOf((delay, index) => (delay - expected[index]!) ** 2)),
      mae: meanOf((delay, index) => Math.abs(delay - expected[index]!)),
      baselineRmse: Math.sqrt(meanOf((delay) => (delay - mean) ** 2)),
      milliseconds,
      peakRss,
    };
  }

  async #drill(check: Check): Promise<AnalysisResult["drill"]> {
    const { transient, outage } = this.#kernel.resolve(Drill).settings;
    const rounds: { transient?: DrillRound; outage?: DrillRound } = {};
    if (transient > 0) {
      const round = (rounds.transient = await this.#round("weekday", transient));
      check(round.failures === transient && round.retried === transient, "a failure was not tried again");
      check(!round.degraded && round.report.source === "all flights", "retries did not save the answer");
    }
    if (outage) {
      const round = (rounds.outage = await this.#round("destination", Infinity));
      check(round.breaker === "open", "the breaker has not opened");
      check(round.degraded && round.report.source === "sample", "the fallback did not answer");
    }
    return rounds;
  }

  /** A report that has not been asked for yet, while the data source fails so many times. */
  async #round(dimension: Dimension, failures: number): Promise<DrillRound> {
    const drill = this.#kernel.resolve(Drill);
    const delays = this.#kernel.resolve(Delays);
    const retriesOf = () => this.#operation("Delays.by")?.retried ?? 0;
    const before = retriesOf();
    drill.begin(failures);
    try {
      const { value: report, degraded } = await this.#kernel.outcome(() =>
        delays.by(dimension, this.#flights),
      );
      const breakers = this.#kernel.resolve(CircuitBreakers).list();
      const breaker = breakers.find(({ operation }) => operation === "Delays.by")?.state ?? "none";
      return {
        dimension,
        failures: drill.failures,
        retried: retriesOf() - before,
        degraded,
        breaker,
        report,
      };
    } finally {
      drill.end();
    }
  }

  #operation(name: string): OperationSummary | undefined {
    const summaries = this.#kernel.resolve(PerformanceMonitor).summary();
    return summaries.find(({ operation }) => operation === name);
  }

  async #again(check: Check, first: Findings): Promise<number> {
    const profiler = this.#kernel.resolve(Profiler);
    const delays = this.#kernel.resolve(Delays);
    const training = this.#kernel.resolve(Training);
    const again = async (known: unknown, call: () => Promise<unknown>) => {
      const started = performance.now();
      const { value, cached } = await this.#kernel.outcome(call);
      const milliseconds = performance.now() - started;
      check(cached, "an answer did not come from the cache");
      check(JSON.stringify(value) === JSON.stringify(known), "the cache gave another answer");
      return milliseconds;
    };
    let milliseconds = await again(first.profile, () => profiler.profile(this.#flights));
    for (const dimension of reported) {
      milliseconds += await again(first.delays[dimension], () => delays.by(dimension, this.#flights));
    }
    return milliseconds + (await again(first.training, () => training.run(this.#flights)));
  }
}
