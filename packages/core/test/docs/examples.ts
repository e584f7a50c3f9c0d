import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

/** One block of TypeScript in a page. */
export interface Example {
  /** From the repository's root. */
  readonly page: string;
  /** What its first comment calls it, as in `// trainer.ts`, or else the number of the block. */
  readonly file: string;
  readonly code: string;
  /** Whether its fence says that it is no module of its own: ` ```ts fragment `. */
  readonly isFragment: boolean;
}

/** Pages that show how something is used: the README of the repository and of each package, and the guides. */
export const pages = [
  "README.md",
  ...readdirSync(`${root}packages`).map((name) => `packages/${name}/README.md`),
  ...readdirSync(`${root}docs/guides`).map((name) => `docs/guides/${name}`),
];

export function examplesOf(page: string): Example[] {
  const text = readFileSync(`${root}${page}`, "utf8");
  // In lists they are indented.
  const blocks = [...text.matchAll(/^( *)```ts(?: +(\S+))?\n(.*?)^\1```$/gms)];
  return blocks.map(([, indent, info, indented], index) => {
    const code = indented!.replaceAll(new RegExp(`^${indent}`, "gm"), "");
    return {
      page,
      file: /^\/\/ ([\w-]+\.ts)$/m.exec(code)?.[1] ?? `example-${index + 1}.ts`,
      code,
      isFragment: info === "fragment",
    };
  });
}
