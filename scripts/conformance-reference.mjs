// Runs the tests of what other suites ask, and writes what they show:
// `node scripts/conformance-reference.mjs [file]`.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { conformanceReference } from "./lib/conformance-reference.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const [file = `${root}docs/reference/conformance.md`] = process.argv.slice(2);
writeFileSync(file, await conformanceReference(root));
