import { service } from "@mlmcp/core";
import { cached } from "@mlmcp/plugin-cache";
import { timed } from "@mlmcp/plugin-monitor";
import { DataSource } from "./data-source.js";
import { Models } from "./models.js";
import { fit, total } from "./regression.js";
import { Trainer, type AirportSample, type DelayModel } from "./trainer.js";

/** One row in thirty is held out: the models are judged by flights that they have not seen. */
const numbered =
  "(SELECT *, row_number() OVER () AS number FROM flights) WHERE delay IS NOT NULL AND date IS NOT NULL";
const minutes = "hour(date) * 60 + minute(date)";

export interface TrainingResult {
  /** Names the stored models. */
  readonly id: string;
  readonly file: string;
  /** Flights learned from. */
  readonly flights: number;
  /** Those of the airports with most flights first. */
  readonly models: readonly DelayModel[];
  /** Of all flights together, for airports without a model of their own. */
  readonly overall: DelayModel;
}

/** A flight that was held out. */
export interface HeldOutFlight {
  readonly origin: string;
  readonly minutes: number;
  readonly delay: number;
}

/** Trains a model for every airport and stores them. */
@service([DataSource, Trainer, Models])
export class Training {
  constructor(
    private readonly source: DataSource,
    private readonly trainer: Trainer,
    private readonly models: Models,
  ) {}

  @timed()
  @cached({ files: (flights: string) => flights })
  async run(flights: string): Promise<TrainingResult> {
    const samples = await this.samplesOf(flights);
    const models = await this.trainer.train(samples);
    const moments = total(models.map((model) => model.moments));
    const overall = { airport: "all", ...fit(moments), moments };
    return { ...(await this.models.save({ models, overall })), flights: moments.n, models, overall };
  }

  async heldOut(flights: string): Promise<HeldOutFlight[]> {
    const rows: HeldOutFlight[] = [];
    const sql = `SELECT origin, ${minutes} AS minutes, delay FROM ${numbered} AND number % 30 = 0`;
    for await (const { rows: count, columns } of this.source.stream(flights, sql)) {
      const [origins, times, delays] = [columns["origin"]!, columns["minutes"]!, columns["delay"]!];
      for (let i = 0; i < count; i += 1) {
        rows.push({ origin: origins[i] as string, minutes: times[i] as number, delay: delays[i] as number });
      }
    }
    return rows;
  }

  private async samplesOf(flights: string): Promise<AirportSample[]> {
    const samples = new Map<string, { minutes: number[]; delays: number[] }>();
    const sql = `SELECT origin, ${minutes} AS minutes, delay FROM ${numbered} AND number % 30 <> 0`;
    for await (const { rows, columns } of this.source.stream(flights, sql)) {
      const [origins, times, delays] = [columns["origin"]!, columns["minutes"]!, columns["delay"]!];
      for (let i = 0; i < rows; i += 1) {
        const origin = origins[i] as string;
        let sample = samples.get(origin);
        if (!sample) samples.set(origin, (sample = { minutes: [], delays: [] }));
        sample.minutes.push(times[i] as number);
        sample.delays.push(delays[i] as number);
      }
    }
    return Array.from(samples, ([airport, sample]) => ({
      airport,
      minutes: Float64Array.from(sample.minutes),
      delays: Float64Array.from(sample.delays),
    })).sort((a, b) => b.delays.length - a.delays.length || (a.airport < b.airport ? -1 : 1));
  }
}
