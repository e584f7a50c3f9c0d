import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

it("docs/reference/errors.md says what the sources say; `pnpm docs:errors` writes it anew", async () => {
  const generator = `${root}scripts/lib/errors-reference.mjs`;
  const { errorsReference } = (await import(generator)) as { errorsReference(root: string): string };
  expect(readFileSync(`${root}docs/reference/errors.md`, "utf8")).toBe(errorsReference(root));
});
