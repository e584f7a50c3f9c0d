import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { changedConfig, configFile, runApplication, temporaryDirectory } from "./application.js";

const allFlights = fileURLToPath(new URL("../data/flights-3m.parquet", import.meta.resolve("vega-datasets")));

/** The first rows of the flights as CSV, under a name that SQL must not trip over. */
async function someFlights(rows: number): Promise<string> {
  const file = join(await temporaryDirectory(), "flights 'of' 2001.csv");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (FROM '${allFlights}' LIMIT ${rows}) TO '${file.replaceAll("'", "''")}' (HEADER)`,
  );
  connection.closeSync();
  instance.closeSync();
  return file;
}

const dataFile = async (name: string, content: string) => {
  const file = join(await temporaryDirectory(), name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
};

describe("the command line", () => {
  it("explains itself", async () => {
    const { code, stdout, stderr } = await runApplication(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const option of ["--data <file>", "--config <file>", "--json", "--debug", "--help"])
      expect(stdout).toContain(option);
  });

  it("analyses any CSV file with the columns, and prints nothing but JSON where asked", async () => {
    const file = await someFlights(6000);
    const { code, stdout } = await runApplication([
      "--json",
      "--data",
      file,
      "--config",
      await changedConfig((text) => text),
    ]);
    const { profile, training, scores, workers, held } = JSON.parse(stdout);
    expect([code, held]).toEqual([0, true]);
    expect(profile).toMatchObject({ file, format: "csv", rows: 6000 });
    expect([training.flights, scores.flights]).toEqual([5800, 200]);
    expect(new Set(workers).size).toBeGreaterThanOrEqual(2);
  });
});

describe("the drill", () => {
  const drillOf = async (drill: string) => {
    const config = await changedConfig((text) => text.replace(/^drill:[\s\S]*/m, `drill: ${drill}\n`));
    const { code, stdout, stderr } = await runApplication([
      "--json",
      "--data",
      await someFlights(3000),
      "--config",
      config,
    ]);
    return { code, stderr, drill: JSON.parse(stdout).drill };
  };

  it("does what the configuration says: nothing", async () => {
    expect(await drillOf("{}")).toMatchObject({ code: 0, drill: {} });
  });

  it("does what the configuration says: one short failure", async () => {
    const { code, drill } = await drillOf("{ transient: 1 }");
    expect([code, Object.keys(drill)]).toEqual([0, ["transient"]]);
    expect(drill.transient).toMatchObject({ failures: 1, retried: 1, degraded: false, breaker: "closed" });
  });

  it("fails its step, and with it the run, where retries do not suffice", async () => {
    const { code, stderr, drill } = await drillOf("{ transient: 3 }");
    expect(drill.transient).toMatchObject({
      failures: 3,
      degraded: true,
      breaker: "open",
      report: { source: "sample" },
    });
    expect(stderr).toContain("5. drill: the data source fails: FAILED: retries did not save the answer");
    expect(code).toBe(1);
  });
});

describe("bad input", () => {
  const flights = "date,delay,distance,origin,destination\n2001-01-01 10:00:00,5,100,LAX,JFK\n";

  it.each<[what: string, args: () => Promise<string[]>, message: RegExp]>([
    [
      "a data file that does not exist",
      async () => ["--data", "no/such.parquet"],
      /^Error: no\/such\.parquet \(\/.*\) does not exist\. Check the path/,
    ],
    [
      "a data file that is a directory",
      async () => ["--data", await temporaryDirectory()],
      /is a directory; a CSV or Parquet file is needed\./,
    ],
    [
      "a data file that is something else",
      async () => ["--data", await dataFile("a.json", '[{"a": 1}]')],
      /a\.json is JSON; a CSV or Parquet file is needed/,
    ],
    [
      "a broken data file",
      async () => ["--data", await dataFile("a.csv", `${flights}1,2\n`)],
      /a\.csv cannot be read as CSV: .* Line: 3: Expected Number of Columns: 5 Found: 2/,
    ],
    [
      "a missing column",
      async () => ["--data", await dataFile("a.csv", flights.replace("origin", "orgin"))],
      /a\.csv has no column "origin"\. Did you mean "orgin"\?/,
    ],
    [
      "a configuration that does not exist",
      async () => ["--config", "no.yaml"],
      /this file does not exist \(.*no\.yaml\)/,
    ],
    [
      "a syntax error",
      async () => ["--config", await configFile("cache:\n  ttl: [1h\n")],
      /syntax.*config\.yaml:3:1/,
    ],
    [
      "a wrong type",
      async () => ["--config", await configFile("memory: { maxMemoryMb: lots }\n")],
      /memory\.maxMemoryMb: expected a whole number, received "lots" \(.*config\.yaml:1:11\)/,
    ],
    [
      "a wrong type in the application's own section",
      async () => ["--config", await configFile("drill: { transient: often }\n")],
      /drill\.transient: expected a whole number, received "often"/,
    ],
    [
      "an unknown key",
      async () => ["--config", await configFile("drill: { transiant: 2 }\n")],
      /drill\.transiant: unknown key.* Did you mean "transient"\?/,
    ],
    [
      "an unknown section",
      async () => ["--config", await configFile("dril: { transient: 2 }\n")],
      /dril: unknown section.* Did you mean "drill"\?/,
    ],
    [
      "an unknown plugin",
      async () => ["--config", await configFile('plugins: ["@mlmcp/plugin-cash"]\n')],
      /The plugin "@mlmcp\/plugin-cash" \(config\.yaml:1\) cannot be loaded\. Install it/,
    ],
    ["an unknown option", async () => ["--date", "x"], /^Error: Unknown option '--date'.* See --help/],
  ])(
    "is told in one error, without a stack: %s",
    async (_, args, message) => {
      const { code, stdout, stderr } = await runApplication(await args(), {
        cwd: await temporaryDirectory(),
      });
      expect(stderr).toMatch(message);
      expect(stderr.match(/Error:/g)).toHaveLength(stderr.includes("Input Error:") ? 2 : 1);
      expect(stderr).not.toMatch(/^ +at /m);
      expect([code, stdout]).toEqual([1, ""]);
    },
    60_000,
  );

  it("is told where two plugins claim one section", async () => {
    const config = await configFile('plugins: ["./clash.mjs"]\n');
    const core = import.meta.resolve("@mlmcp/core");
    await writeFile(
      join(dirname(config), "clash.mjs"),
      `import { definePlugin } from ${JSON.stringify(core)};\nexport default definePlugin({ name: "clash", section: "drill" });\n`,
    );
    const { code, stderr } = await runApplication(["--config", config]);
    expect(stderr).toMatch(
      /^Error: The plugin "\w+" claims the section "drill" of the configuration, which is already \w+'s\./,
    );
    expect([code, stderr.match(/^ +at /m)]).toEqual([1, null]);
  });

  it("comes with the stack under --debug", async () => {
    const { code, stderr } = await runApplication(["--debug", "--data", "no.csv"]);
    expect(stderr).toMatch(/^DataLoadError: no\.csv .*\n +at /);
    expect(code).toBe(1);
  });
});
