// Counts tests from the reports that the test runner leaves.
import { join } from "node:path";
import { readText } from "./files.mjs";
import { root } from "./steps.mjs";

const folder = join(root, "reports");

/** Arguments for vitest, so that it leaves its report under this name. */
export function reporting(name) {
  return ["--reporter=default", "--reporter=json", `--outputFile.json=${fileOf(name)}`];
}

/** What the named runs counted together; a test file that could not be loaded is one failure. */
export function count(names) {
  const total = { passed: 0, failed: 0, skipped: 0, missing: [] };
  for (const name of names) {
    const text = readText(fileOf(name));
    if (text === undefined) {
      total.missing.push(name);
      continue;
    }
    const report = JSON.parse(text);
    total.passed += report.numPassedTests;
    total.failed += report.numFailedTests + report.testResults.filter(isBroken).length;
    total.skipped += report.numPendingTests + report.numTodoTests;
  }
  return total;
}

/** `12 passed, 0 failed`, with the skipped where there are any. */
export function countLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
}

function isBroken(file) {
  return file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed");
}

function fileOf(name) {
  return join(folder, `${name}.json`);
}
