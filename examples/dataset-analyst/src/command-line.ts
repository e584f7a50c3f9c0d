import { parseArgs } from "node:util";
import { ConfigurationError } from "@mlmcp/core";
import { flightsFile } from "./datasets.js";

export const usage = `Usage: dataset-analyst [options]

Profiles flights, reports their delays, trains a model for each airport, and shows
what happens when the data source fails.

Options:
  --data <file>    CSV or Parquet file with the columns date, delay, distance, origin
                   and destination (default: three million flights of 2001)
  --config <file>  configuration (default: .mlmcprc.yaml beside the application)
  --json           print the results as JSON
  --debug          print errors with their stack
  --help           print this text`;

const options = {
  data: { type: "string" },
  config: { type: "string" },
  json: { type: "boolean", default: false },
  debug: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

export interface CommandLine {
  readonly data: string;
  readonly config: string | undefined;
  readonly json: boolean;
  readonly debug: boolean;
  readonly help: boolean;
}

/** @throws ConfigurationError that names the argument that is wrong */
export function readCommandLine(args: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({ args: [...args], options });
    const { data = flightsFile, config, json, debug, help } = values;
    return { data, config, json, debug, help };
  } catch (cause) {
    throw new ConfigurationError(`${(cause as Error).message}. See --help for what there is.`, { cause });
  }
}
