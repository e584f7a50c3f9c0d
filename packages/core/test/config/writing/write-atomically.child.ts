import { writeAtomically } from "../../../src/config/writing/write-atomically.js";

/** Writes one long text after another, each of one letter, and tells of each, until it is killed. */
const [, , file = "", size = ""] = process.argv;
for (let turn = 0; ; turn++) {
  await writeAtomically(file, String.fromCharCode(97 + (turn % 26)).repeat(Number(size)));
  process.stdout.write(".");
}
