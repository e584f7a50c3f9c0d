import { retry, degrade, service } from "@mlmcp/core";
import { cached } from "@mlmcp/plugin-cache";
import { timed } from "@mlmcp/plugin-monitor";
import { validated } from "@mlmcp/plugin-validate";
import { airportsFile } from "./datasets.js";
import { DataSource } from "./data-source.js";
import { dimensions, type DelayReport, type DelayRow, type Dimension } from "./dimensions.js";
import { Sample } from "./sample.js";

/** How late flights are. */
@service([DataSource, Sample])
export class Delays {
  constructor(
    private readonly source: DataSource,
    private readonly sampled: Sample,
  ) {}

  /** Delays for each airport, route, hour, …, those with most flights first. */
  @timed()
  @validated({ args: [{ enum: Object.keys(dimensions) }, { type: "string", minLength: 1 }] })
  @cached({ files: (_: Dimension, flights: string) => [flights, airportsFile] })
  @degrade({ fallback: "estimate" })
  @retry()
  async by(dimension: Dimension, flights: string): Promise<DelayReport> {
    const { key, place } = dimensions[dimension];
    const rows = await this.source.query<DelayRow>(
      flights,
      `SELECT ${key} AS key, any_value(${place}) AS place, count(*) AS flights,
         avg(delay) AS mean, avg((delay > 15)::INTEGER) AS late
       FROM flights
         LEFT JOIN airports AS start ON start.iata = origin
         LEFT JOIN airports AS goal ON goal.iata = destination
       WHERE delay IS NOT NULL
       GROUP BY key
       ORDER BY flights DESC, key`,
    );
    return { source: "all flights", rows };
  }

  /** The answer while the data source fails: the same from every hundredth flight. */
  async estimate(dimension: Dimension): Promise<DelayReport> {
    return { source: "sample", rows: this.sampled.delaysBy(dimension) };
  }
}
