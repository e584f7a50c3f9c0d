// Calls a method under every advice a million times and writes benchmarks/SOAK.md:
// `node scripts/soak-calls.mjs [calls]`. Fails where something is left over.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { soak } from "./lib/soak.mjs";
import { main, root, step } from "./lib/steps.mjs";

/** A call that leaves as little as one entry in a map leaves many times more. */
const MOST_BYTES = 1;

await main(async () => {
  const calls = Number(process.argv[2] ?? 1_000_000);
  if (!Number.isSafeInteger(calls) || calls < 10_000)
    throw new RangeError(`The number of calls must be 10000 or more; received ${process.argv[2]}.`);
  const report = await step(`soak with ${calls} calls`, () => soak(calls));
  writeFileSync(join(root, "benchmarks/SOAK.md"), page(report));
  const { bytesPerCall, leftovers } = report;
  console.log(
    `${bytesPerCall.value.toFixed(3)} bytes a call, below ${bytesPerCall.upper.toFixed(3)} with 95 % confidence`,
  );
  for (const what of leftovers) console.error(`left over: ${what}`);
  if (bytesPerCall.upper > MOST_BYTES || leftovers.length > 0) process.exitCode = 1;
});

function page({ calls, outcomes, samples, bytesPerCall, seconds, leftovers }) {
  const number = (value) => value.toLocaleString("en");
  return [
    "# Soak",
    "",
    "Written by `pnpm soak:calls`. One method under every advice of the resilience plugin fails, hangs and is late at random;",
    "200 callers at a time call it with 50 keys, of which breakers and limits remember 20. Heap sizes are those after full",
    "collections; the growth is the slope through them by least squares.",
    "",
    "| | |",
    "| --- | ---: |",
    `| calls | ${number(calls)} |`,
    `| growth of the heap, bytes a call | ${bytesPerCall.value.toFixed(3)} |`,
    `| below, with 95 % confidence | ${bytesPerCall.upper.toFixed(3)} |`,
    `| timers, listeners and entries left over | ${leftovers.length === 0 ? "none" : leftovers.join("; ")} |`,
    `| duration, s | ${seconds.toFixed(0)} |`,
    "",
    "| came to | calls |",
    "| --- | ---: |",
    ...Object.entries(outcomes).map(([outcome, count]) => `| ${outcome} | ${number(count)} |`),
    "",
    "| after calls | heap, bytes |",
    "| ---: | ---: |",
    ...samples.map(([after, bytes]) => `| ${number(after)} | ${number(bytes)} |`),
    "",
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}.`,
    "",
  ].join("\n");
}
