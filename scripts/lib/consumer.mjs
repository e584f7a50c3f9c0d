// Tests the packages as one who installs them gets them: packed, installed in a folder of their own, without sources.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { tarballOf } from "./pack.mjs";
import { runTests } from "./test-runs.mjs";
import { pnpm, root, run, step } from "./steps.mjs";
import { publicPackages } from "./workspace.mjs";

/** Besides the Node that runs: the next of these. */
const NEWER_NODES = [24, 26];

const runningNode = Number(process.versions.node.split(".")[0]);
const newerNode = NEWER_NODES.find((version) => version > runningNode);

/** Names of the reports that {@link testAsConsumer} leaves. */
export const consumerReports = [runningNode, newerNode].filter(Boolean).map(reportName);

/**
 * Needs the packed packages. The consumer project stays where a test failed, to look into.
 * Types do not depend on the Node that runs them, so they are tested on one.
 */
export async function testAsConsumer() {
  const folder = mkdtempSync(join(tmpdir(), "mlmcp-consumer-"));
  await step(`install the packed packages in ${folder}`, () => setUp(folder));
  const runs = [
    () => runTests(reportName(runningNode), (args) => run(process.execPath, vitest(args), { cwd: folder })),
  ];
  if (newerNode) {
    const node = ["-y", "-p", `node@${newerNode}`, "node"];
    const untyped = (args) => vitest([...args, "--project", "legacy", "--project", "standard"]);
    runs.push(() =>
      runTests(reportName(newerNode), (args) => run("npx", [...node, ...untyped(args)], { cwd: folder })),
    );
  }
  const failures = [];
  for (const [index, work] of runs.entries()) {
    const name = `tests of the packed packages on Node ${[runningNode, newerNode][index]}`;
    await step(name, work).catch((error) => failures.push(error));
  }
  if (failures.length) throw failures[0];
  rmSync(folder, { recursive: true });
}

function vitest(args) {
  return ["node_modules/vitest/vitest.mjs", "run", "--config", "scripts/consumer/vitest.config.ts", ...args];
}

function reportName(node) {
  return `consumer-node-${node}`;
}

async function setUp(folder) {
  const packed = publicPackages();
  for (const each of packed) {
    const tests = join(each.folder, "test");
    const filter = (file) => !file.endsWith(".unit.test.ts");
    cpSync(tests, join(folder, relative(root, tests)), { recursive: true, filter });
  }
  // The lockfile keeps third parties in the versions that the sources are tested with.
  const tests = ["vitest.shared.ts", "vitest.setup.ts", "scripts/consumer"];
  const copied = ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", ...tests];
  const tsconfigs = ["tsconfig.base.json", "tsconfig.standard.json", "tsconfig.types.json"];
  for (const path of [...copied, ...tsconfigs])
    cpSync(join(root, path), join(folder, path), { recursive: true });
  const write = (file, content) => writeFileSync(join(folder, file), JSON.stringify(content, null, 2));
  write("tsconfig.json", { extends: "./tsconfig.base.json", include: ["packages/*/test"] });
  write("package.json", { private: true, type: "module", dependencies: dependencies(packed) });
  await pnpm(["install", "--no-frozen-lockfile", "--prefer-offline"], { cwd: folder, quiet: true });
}

/** The tarballs, what the packages' tests import besides them, and the tools that run the tests. */
function dependencies(packed) {
  const manifests = [
    JSON.parse(readFileSync(join(root, "package.json"), "utf8")),
    ...packed.map((each) => each.manifest),
  ];
  const thirdParty = manifests.flatMap((each) =>
    Object.entries({ ...each.dependencies, ...each.devDependencies }),
  );
  const tarballs = packed.map((each) => [each.name, `file:${tarballOf(each)}`]);
  return Object.fromEntries([...thirdParty, ...tarballs]);
}
