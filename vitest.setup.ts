import fc from "fast-check";

/** Properties see the same examples in every run, so that a change is judged by itself; `random` looks for new ones. */
const seed = process.env.MLMCP_TEST_SEED ?? "20260101";

if (seed !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
