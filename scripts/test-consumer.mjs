// Builds and packs the packages and runs their public tests against the tarballs.
import { build } from "./lib/build.mjs";
import { testAsConsumer } from "./lib/consumer.mjs";
import { install } from "./lib/install.mjs";
import { pack } from "./lib/pack.mjs";
import { main } from "./lib/steps.mjs";

await main(async () => {
  await install();
  await build();
  await pack();
  await testAsConsumer();
});
