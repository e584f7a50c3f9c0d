import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";
import { examplesOf, pages } from "./examples.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
/** Where what examples import is found. */
const folder = `${root}packages/plugin-cache/node_modules/.snippets-${process.pid}`;
const examples = pages.flatMap((page) => examplesOf(page));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the TypeScript examples of the guides and READMEs", () => {
  it.each([
    ["legacy", {}],
    ["standard", { experimentalDecorators: false, emitDecoratorMetadata: false }],
  ])("compile as they stand, under %s decorators", (mode, ofMode) => {
    const files = examples
      .filter(({ isFragment }) => !isFragment)
      .map(({ page, file, code }) => {
        const path = `${folder}/${mode}/${page.replaceAll(/[/.]/g, "-")}/${file}`;
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, code);
        return path;
      });
    expect(files.length).toBeGreaterThan(25);
    const { config } = ts.readConfigFile(`${root}tsconfig.json`, (path) => readFileSync(path, "utf8"));
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root);
    const program = ts.createProgram(files, { ...options, ...ofMode, noEmit: true });
    const problems = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
      return `${file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
    expect(problems).toEqual([]);
  });

  it("are fragments only where a whole program would say nothing more", () => {
    const fragments = examples.filter(({ isFragment }) => isFragment);
    expect(fragments.map(({ page, file }) => `${page} ${file}`)).toEqual([
      "packages/plugin-parallel/README.md example-3.ts",
    ]);
  });
});
