// Installs and builds the workspace, or some packages with what they depend on: `node scripts/build.mjs @mlmcp/core`.
import { build } from "./lib/build.mjs";
import { install } from "./lib/install.mjs";
import { main } from "./lib/steps.mjs";

await main(async () => {
  await install();
  await build(process.argv.slice(2));
});
