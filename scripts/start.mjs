// Installs, builds and runs the example application: `npm start -- --json`.
import { join } from "node:path";
import { build } from "./lib/build.mjs";
import { install } from "./lib/install.mjs";
import { main, root, run } from "./lib/steps.mjs";

await main(async () => {
  await install();
  await build(["@mlmcp/example-dataset-analyst"]);
  await run(process.execPath, [
    join(root, "examples/dataset-analyst/dist/main.js"),
    ...process.argv.slice(2),
  ]);
});
