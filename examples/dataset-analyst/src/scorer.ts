import { service } from "@mlmcp/core";
import { timed } from "@mlmcp/plugin-monitor";
import { validated } from "@mlmcp/plugin-validate";
import { Models } from "./models.js";

/** What is known of a flight before it starts. */
export interface PlannedFlight {
  readonly origin: string;
  /** Minutes since midnight. */
  readonly minutes: number;
}

/** Tells delays ahead. */
@service([Models])
export class Scorer {
  constructor(private readonly models: Models) {}

  /** Minutes of delay to expect. */
  @timed()
  @validated({
    args: [
      { type: "string", minLength: 1 },
      {
        type: "object",
        required: ["origin", "minutes"],
        properties: { origin: { type: "string" }, minutes: { type: "integer", minimum: 0, maximum: 1439 } },
      },
    ],
    returns: { type: "number" },
  })
  async score(models: string, { origin, minutes }: PlannedFlight): Promise<number> {
    const { intercept, slope } = await this.models.load(models, origin);
    return intercept + slope * minutes;
  }
}
