// Runs of the test runner, which look a second time at the few that fail.
import { again, failedFiles, reporting } from "./reports.mjs";

/** More than so many test files are broken, not unsteady. */
const MOST_FILES = 5;

/**
 * Runs tests and leaves their report under this name. Tests of real servers and processes share
 * the machine with all the others, and one may starve: the files of few failures are run once more,
 * alone and one after another. What passes only then is named at the end of all.
 *
 * @param run runs the test runner with the arguments that it is given
 */
export async function runTests(name, run) {
  try {
    await run(reporting(name), { isSecond: false });
  } catch (error) {
    const files = failedFiles(name);
    if (files.length === 0 || files.length > MOST_FILES) throw error;
    console.log(`\n${files.length} test files failed; they are run once more, alone:\n${files.join("\n")}\n`);
    await run([...reporting(again(name)), "--no-file-parallelism", ...files], { isSecond: true });
  }
}
