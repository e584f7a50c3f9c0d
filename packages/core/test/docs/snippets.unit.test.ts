import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const folder = `${root}examples/dataset-analyst/node_modules/.snippets-${process.pid}`;

const pages = [
  `${root}README.md`,
  ...readdirSync(`${root}docs/guides`).map((name) => `${root}docs/guides/${name}`),
];
/** Their first example is a whole one; the others go on from it. */
const packagePages = readdirSync(`${root}packages`).map((name) => `${root}packages/${name}/README.md`);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("every TypeScript example of the guides compiles", { timeout: 180_000 }, () => {
  mkdirSync(folder, { recursive: true });
  const write = (page: string, examples: readonly string[]) =>
    examples.map((code, index) => {
      const file = `${folder}/${relative(root, page).replaceAll(/[/.]/g, "-")}-${index + 1}.ts`;
      writeFileSync(file, code);
      return file;
    });
  const files = [
    ...pages.flatMap((page) => write(page, examplesOf(page))),
    ...packagePages.flatMap((page) => write(page, examplesOf(page).slice(0, 1))),
  ];
  expect(files.length).toBeGreaterThan(12);
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, (path) => readFileSync(path, "utf8"));
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root);
  const program = ts.createProgram(files, { ...options, noEmit: true });
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
  expect(problems).toEqual([]);
});

function examplesOf(page: string): string[] {
  return [...readFileSync(page, "utf8").matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
}
