// Runs the trials that take minutes, of all packages or of one: `node scripts/soak.mjs cache`.
import { main, run } from "./lib/steps.mjs";

const [name, ...args] = process.argv.slice(2);

await main(async () => {
  const filter = name === undefined ? [] : [`packages/plugin-${name}/`];
  await run("vitest", ["run", "--config", "vitest.soak.config.ts", ...filter, ...args]);
});
