// Everything that has to hold. Ends with one line, `N passed, N failed`, counted from the test runner's reports.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "./lib/build.mjs";
import { consumerReports, testAsConsumer } from "./lib/consumer.mjs";
import { install } from "./lib/install.mjs";
import { checkPacked, pack } from "./lib/pack.mjs";
import { count, countLine } from "./lib/reports.mjs";
import { main, root, run, step } from "./lib/steps.mjs";
import { runTests } from "./lib/test-runs.mjs";

async function prepare() {
  await install();
  await build();
  await pack();
}

/** None needs another: all run, so that one look shows everything that is wrong. */
const checks = {
  lint: () => run("oxlint", ["--deny-warnings"]),
  format: () => run("oxfmt", ["--check"]),
  "types with legacy decorators": () => run("tsc", ["-p", "tsconfig.json"]),
  "types with TC39 decorators": () => run("tsc", ["-p", "tsconfig.standard.json"]),
  tests: () =>
    runTests("tests", (args, { isSecond }) =>
      run("vitest", ["run", ...(isSecond ? [] : ["--coverage"]), ...args]),
    ),
  "tests of the packed packages": testAsConsumer,
  "form of the packed packages": checkPacked,
  "unused files, exports and dependencies": () => run("knip", ["--no-config-hints"]),
};

await main(async () => {
  const failed = [];
  /** A step tells what went wrong in it; here only its name is kept. */
  const holds = (name, work) =>
    step(name, work).then(
      () => true,
      () => !failed.push(name),
    );

  rmSync(join(root, "reports"), { recursive: true, force: true });
  const prepared = await holds("prepare", prepare);
  if (prepared) for (const [name, check] of Object.entries(checks)) await holds(name, check);

  const total = count(["tests", ...consumerReports]);
  if (prepared) failed.push(...total.missing.map((name) => `no report of the run ${name}`));
  for (const failure of total.unsteady) console.log(`\n! failed among the others: ${failure}`);
  for (const failure of total.failures) console.log(`\n✗ ${failure}`);
  if (failed.length) console.log(`\nNot in order: ${failed.join("; ")}`);
  process.exitCode = failed.length ? 1 : 0;
  console.log(`\n${countLine(total)}`);
});
