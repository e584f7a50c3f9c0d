import { definePlugin } from "@mlmcp/core";

/** The section `drill` of the configuration. */
interface DrillSettings {
  /** How many times the data source fails in the first round. */
  readonly transient: number;
  /** Whether there is a second round, in which it fails for good. */
  readonly outage: boolean;
}

/** Makes the data source fail as the configuration says. It does nothing until a round begins. */
export class Drill {
  #failures = 0;
  #left = 0;

  constructor(readonly settings: DrillSettings) {}

  /** How many times the data source has failed in this round. */
  get failures(): number {
    return this.#failures;
  }

  begin(failures: number): void {
    this.#failures = 0;
    this.#left = failures;
  }

  end(): void {
    this.#left = 0;
  }

  /** Called by the data source before it reads. */
  strike(): void {
    if (this.#left <= 0) return;
    this.#left -= 1;
    this.#failures += 1;
    throw new Error(`The data source does not answer (drill, failure ${this.#failures}).`);
  }
}

/** Brings the section `drill` and the service. */
export const drillPlugin = definePlugin({
  name: "drill",
  section: "drill",
  schema: {
    type: "object",
    properties: {
      transient: { type: "integer", minimum: 0, default: 0 },
      outage: { type: "boolean", default: false },
    },
  },
  register({ services, config }) {
    services.factory(Drill, () => new Drill(config.section<DrillSettings>("drill")));
  },
});
