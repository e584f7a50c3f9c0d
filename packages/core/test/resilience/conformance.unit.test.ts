import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

/** The run is a process of its own, in which nothing says that this one is a test. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_V8_COVERAGE)/.test(name)),
);

it(
  "docs/reference/conformance.md says what a run of the tests shows; `pnpm docs:conformance` writes it anew",
  { timeout: 300_000 },
  async () => {
    const folder = await temporaryFolder();
    try {
      const file = join(folder.path, "conformance.md");
      const script = `${root}scripts/conformance-reference.mjs`;
      await promisify(execFile)(process.execPath, [script, file], { cwd: root, env: environment });
      const shown = readFileSync(file, "utf8");
      expect(shown.split("\n").filter((line) => line.endsWith("| no |"))).toEqual([]);
      expect(readFileSync(`${root}docs/reference/conformance.md`, "utf8")).toBe(shown);
    } finally {
      await folder.remove();
    }
  },
);
