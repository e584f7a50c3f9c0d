import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";

it("loads nothing heavy to print help", async () => {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL("../../src/cli/bin.ts", import.meta.url))],
    outdir: "unused",
    bundle: true,
    write: false,
    splitting: true,
    metafile: true,
    format: "esm",
    platform: "node",
    packages: "external",
  });
  const loaded = new Set<string>();
  const visit = (file: string): void => {
    for (const { path, kind, external } of metafile.outputs[file]?.imports ?? []) {
      if (kind !== "import-statement") continue;
      if (external) loaded.add(path);
      else visit(path);
    }
  };
  visit(Object.keys(metafile.outputs).find((file) => file.endsWith("bin.js"))!);
  const packages = [...loaded].filter((name) => !name.startsWith("node:"));
  expect(packages.toSorted()).toEqual(["commander", "fastest-levenshtein"]);
});
