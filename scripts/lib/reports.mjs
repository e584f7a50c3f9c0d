// Counts tests from the reports that the test runner leaves.
import { join, relative } from "node:path";
import { readText } from "./files.mjs";
import { root } from "./steps.mjs";

const folder = join(root, "reports");
const notRun = new Set(["skipped", "pending", "todo", "disabled"]);

/** Arguments for vitest, so that it leaves its report under this name. */
export function reporting(name) {
  return ["--reporter=default", "--reporter=json", `--outputFile.json=${fileOf(name)}`];
}

/** The name of the second run of what failed in a run. */
export function again(name) {
  return `${name}-again`;
}

/** The test files that failed in a run. */
export function failedFiles(name) {
  return (reportOf(name)?.testResults ?? [])
    .filter((file) => file.status === "failed")
    .map((file) => file.name);
}

/**
 * What the named runs counted together, and what failed in them; a test file that could not be
 * loaded is one failure. What was run a second time counts as it did then, and is listed where it
 * passed only then.
 */
export function count(names) {
  const total = { passed: 0, failed: 0, skipped: 0, missing: [], failures: [], unsteady: [] };
  for (const name of names) {
    const report = reportOf(name);
    if (report === undefined) {
      total.missing.push(name);
      continue;
    }
    const second = reportOf(again(name));
    const files = report.testResults;
    const repeated = new Set(second ? failedFiles(name) : []);
    const judged = [...files.filter((file) => !repeated.has(file.name)), ...(second?.testResults ?? [])];
    const tests = judged.flatMap((file) => file.assertionResults);
    const failures = judged.flatMap((file) => failuresOf(file, name));
    total.passed += tests.filter((test) => test.status === "passed").length;
    total.failed += failures.length;
    total.skipped += tests.filter((test) => notRun.has(test.status)).length;
    total.failures.push(...failures);
    if (second) total.unsteady.push(...files.flatMap((file) => failuresOf(file, name)));
  }
  return total;
}

/** `12 passed, 0 failed`, with the skipped where there are any. */
export function countLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
}

/** A line of each failure of a file: the run, where it is, its name, and the beginning of what was thrown. */
function failuresOf(file, run) {
  const at = `${run}: ${relative(root, file.name)}`;
  if (isBroken(file)) return [`${at}\n    ${beginning(file.message)}`];
  return file.assertionResults
    .filter((test) => test.status === "failed")
    .map((test) => `${at} > ${test.fullName}\n    ${beginning(test.failureMessages?.[0] ?? "")}`);
}

function beginning(message) {
  return message.split("\n", 6).join("\n    ").slice(0, 1_000);
}

function isBroken(file) {
  return file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed");
}

function reportOf(name) {
  const text = readText(fileOf(name));
  return text === undefined ? undefined : JSON.parse(text);
}

function fileOf(name) {
  return join(folder, `${name}.json`);
}
