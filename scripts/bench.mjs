// Installs, builds and runs the benchmarks: `node scripts/bench.mjs --only cached --quick`.
import { join } from "node:path";
import { build } from "./lib/build.mjs";
import { install } from "./lib/install.mjs";
import { main, root, run } from "./lib/steps.mjs";

await main(async () => {
  await install();
  await build(["@mlmcp/benchmarks"]);
  await run(process.execPath, [join(root, "benchmarks/dist/main.js"), ...process.argv.slice(2)]);
});
