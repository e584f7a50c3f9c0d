import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { examplesOf } from "../../../core/test/docs/examples.js";
import { compile } from "../support/child-program.js";
import { temporaryDirectory } from "../temporary.js";

const pages = ["packages/plugin-cache/README.md", "docs/guides/caching.md"];
const programs = pages.flatMap((page) =>
  examplesOf(page).map(({ file, code }) => ({
    name: `${page.replaceAll(/[/.]/g, "-")}-${file.replace(".ts", "")}`,
    code,
  })),
);
// Below the package, so that its dependencies are found.
const folder = fileURLToPath(new URL(`../../node_modules/.cache/examples-${process.pid}`, import.meta.url));

describe.each([
  ["legacy", true],
  ["standard", false],
])(
  "each example of the README and the guide is a program that runs, under %s decorators",
  (mode, isLegacy) => {
    beforeAll(async () => {
      mkdirSync(`${folder}/${mode}`, { recursive: true });
      for (const { name, code } of programs) writeFileSync(`${folder}/${mode}/${name}.ts`, code);
      await compile({
        entryPoints: programs.map(({ name }) => `${folder}/${mode}/${name}.ts`),
        outdir: `${folder}/${mode}`,
        tsconfigRaw: { compilerOptions: { experimentalDecorators: isLegacy } },
      });
    });
    afterAll(() => rmSync(`${folder}/${mode}`, { recursive: true, force: true }));

    it.each(programs.map(({ name }) => name))("%s", async (name) => {
      const cwd = temporaryDirectory();
      const program = `${folder}/${mode}/${name}.mjs`;
      const { stderr } = await promisify(execFile)(process.execPath, [program], { cwd });
      expect(stderr).toBe("");
    });
  },
);
