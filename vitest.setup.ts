import fc from "fast-check";
import { vi } from "vitest";

/** Properties see the same examples in every run, so that a change is judged by itself; `random` looks for new ones. */
const seed = process.env.MLMCP_TEST_SEED ?? "20260101";

if (seed !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });

/** What a test waits for may take its time on a busy machine: less than a test may, so that what is missing is told. */
const patience = 50_000;

const { waitFor, waitUntil } = vi;
vi.waitFor = (check, options) => waitFor(check, patient(options));
vi.waitUntil = (check, options) => waitUntil(check, patient(options));

function patient<Options extends object>(options: number | Options = {} as Options): number | Options {
  return typeof options === "number" ? options : { timeout: patience, ...options };
}
