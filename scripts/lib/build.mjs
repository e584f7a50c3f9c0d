import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashOf, readText } from "./files.mjs";
import { root, run, step } from "./steps.mjs";
import { packages } from "./workspace.mjs";

/** A build keeps about one core busy, so more of them at once would not end sooner. */
const AT_ONCE = 2;

const sharedInputs = ["tsup.config.base.ts", "tsconfig.base.json", "tsconfig.build.json", "pnpm-lock.yaml"];

/**
 * Builds the named packages with what they depend on, or all. A package whose inputs have not
 * changed since its last build is left as it is.
 */
export async function build(names) {
  const all = packages();
  const wanted = names?.length ? withDependencies(names, all) : all;
  const shared = hashOf(sharedInputs.map((file) => join(root, file)));
  const inputs = new Map();
  for (const each of all) {
    const files = ["package.json", "tsup.config.ts", "src"].map((file) => join(each.folder, file));
    inputs.set(each.name, hashOf(files, [shared, ...each.dependsOn.map((name) => inputs.get(name))].join()));
  }
  const stale = wanted.filter((each) => readText(stampOf(each)) !== inputs.get(each.name));
  if (stale.length === 0) return;
  await step(`build ${stale.map((each) => each.name).join(" ")}`, () => buildInOrder(stale, inputs));
}

/** Each package starts when those it depends on are built. */
async function buildInOrder(stale, inputs) {
  const builds = new Map();
  const slot = limit(AT_ONCE);
  for (const each of stale) {
    const needed = Promise.all(each.dependsOn.map((name) => builds.get(name)));
    builds.set(
      each.name,
      needed.then(() => slot(() => buildOne(each, inputs.get(each.name)))),
    );
  }
  const failed = (await Promise.allSettled(builds.values())).find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

async function buildOne(each, hash) {
  const began = performance.now();
  await run("tsup", [], { cwd: each.folder, quiet: true });
  writeFileSync(stampOf(each), hash);
  console.log(`  ${each.name} ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

function stampOf(each) {
  return join(each.folder, "dist/.build-stamp");
}

function withDependencies(names, all) {
  const wanted = new Set(names);
  for (const each of all.toReversed()) {
    if (wanted.has(each.name)) for (const name of each.dependsOn) wanted.add(name);
  }
  const unknown = names.filter((name) => !all.some((each) => each.name === name));
  if (unknown.length)
    throw new Error(
      `No such package: ${unknown.join(", ")}. There are ${all.map((each) => each.name).join(", ")}.`,
    );
  return all.filter((each) => wanted.has(each.name));
}

function limit(slots) {
  const waiting = [];
  return async (work) => {
    if (slots > 0) slots -= 1;
    else await new Promise((free) => waiting.push(free));
    try {
      return await work();
    } finally {
      if (waiting.length) waiting.shift()();
      else slots += 1;
    }
  };
}
