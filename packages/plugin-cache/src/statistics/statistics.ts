import { noHoldings, type MemoryHoldings } from "../memory/holdings.js";
import type { CopyCost } from "./copy-cost.js";
import { noCounts, type Counters } from "./counters.js";
import { Evidence } from "./evidence.js";
import type { Observation } from "./observation.js";

/** Counts by operation, and what advice is drawn from. */
export class Statistics {
  /** Milliseconds since the epoch. */
  readonly since = Date.now();
  readonly #counters = new Map<string, Counters>();
  readonly #evidence = new Map<string, Evidence>();

  /** The counters of every operation. They go on changing. */
  get counters(): ReadonlyMap<string, Readonly<Counters>> {
    return this.#counters;
  }

  /** The counters of one operation, to be counted up. */
  of(operation: string): Counters {
    let counters = this.#counters.get(operation);
    if (!counters) this.#counters.set(operation, (counters = noCounts()));
    return counters;
  }

  evidenceOf(operation: string): Evidence {
    let evidence = this.#evidence.get(operation);
    if (!evidence) this.#evidence.set(operation, (evidence = new Evidence()));
    return evidence;
  }

  /** What is known of each operation. The observations go on changing. */
  observe(
    inMemory: ReadonlyMap<string, MemoryHoldings>,
    copying: ReadonlyMap<string, CopyCost>,
  ): Map<string, Observation> {
    const observations = new Map<string, Observation>();
    for (const operation of new Set([...this.#counters.keys(), ...inMemory.keys()])) {
      const { counts, keys, arguments: args, failureNames } = this.#evidence.get(operation) ?? new Evidence();
      const cost = copying.get(operation);
      observations.set(operation, {
        counters: this.#counters.get(operation) ?? noCounts(),
        evidence: counts,
        keys,
        arguments: args,
        failureNames: Object.fromEntries(failureNames),
        memory: inMemory.get(operation) ?? noHoldings(),
        ...(cost && { copying: cost }),
      });
    }
    return observations;
  }
}
