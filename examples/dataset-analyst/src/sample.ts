import { service } from "@mlmcp/core";
import { DataSource } from "./data-source.js";
import { dimensions, type DelayRow, type Dimension } from "./dimensions.js";

type SampleRow = Readonly<Record<Dimension, string>> & { readonly delay: number };

/** Every hundredth flight, kept in memory for the time when the data source fails. */
@service([DataSource])
export class Sample {
  #rows: readonly SampleRow[] = [];

  constructor(private readonly source: DataSource) {}

  get size(): number {
    return this.#rows.length;
  }

  async take(flights: string): Promise<void> {
    const keys = Object.entries(dimensions).map(([dimension, { key }]) => `${key} AS ${dimension}`);
    this.#rows = await this.source.query<SampleRow>(
      flights,
      `SELECT ${keys.join(", ")}, delay
       FROM (SELECT *, row_number() OVER () AS number FROM flights)
       WHERE number % 100 = 0 AND delay IS NOT NULL`,
    );
  }

  delaysBy(dimension: Dimension): DelayRow[] {
    const groups = new Map<string, { flights: number; sum: number; late: number }>();
    for (const row of this.#rows) {
      const key = row[dimension];
      let group = groups.get(key);
      if (!group) groups.set(key, (group = { flights: 0, sum: 0, late: 0 }));
      group.flights += 1;
      group.sum += row.delay;
      if (row.delay > 15) group.late += 1;
    }
    const rows = Array.from(groups, ([key, { flights, sum, late }]) => {
      return { key, place: null, flights, mean: sum / flights, late: late / flights };
    });
    return rows.sort((a, b) => b.flights - a.flights || (a.key < b.key ? -1 : 1));
  }
}
