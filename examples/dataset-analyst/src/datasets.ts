import { fileURLToPath } from "node:url";

const data = new URL("../data/", import.meta.resolve("vega-datasets"));

/** Three million flights within the USA, January to June 2001. */
export const flightsFile = fileURLToPath(new URL("flights-3m.parquet", data));

/** Codes, names and places of airports. */
export const airportsFile = fileURLToPath(new URL("airports.csv", data));
