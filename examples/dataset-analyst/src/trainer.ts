import { service } from "@mlmcp/core";
import { timed } from "@mlmcp/plugin-monitor";
import { parallel } from "@mlmcp/plugin-parallel";
import { fit, momentsOf, type Line, type Moments } from "./regression.js";

/** The flights of one airport to learn from. */
export interface AirportSample {
  readonly airport: string;
  /** Time of day of each flight, in minutes since midnight. */
  readonly minutes: Float64Array;
  /** Minutes of delay of each flight. */
  readonly delays: Float64Array;
}

/** How delays grow over the day at one airport. */
export interface DelayModel extends Line {
  readonly airport: string;
  readonly moments: Moments;
}

/** Trains models. Runs in workers, which import this module and construct the class there. */
@service()
export class Trainer {
  @timed()
  @parallel({ mode: "map" })
  async train(samples: AirportSample[]): Promise<DelayModel[]> {
    return samples.map(({ airport, minutes, delays }) => {
      const moments = momentsOf(minutes, delays);
      return { airport, ...fit(moments), moments };
    });
  }
}
