import { fileURLToPath } from "node:url";
import type { Options } from "tsup";

const shared: Options = {
  format: "esm",
  target: "node20",
  tsconfig: fileURLToPath(new URL("./tsconfig.build.json", import.meta.url)),
  sourcemap: true,
  clean: true,
};

/** How a published package is built: ES modules with types and source maps, shared code in chunks. */
export function library({ entry }: { entry: string[] }): Options {
  return {
    ...shared,
    // The output mirrors src, also where every entry is in the same folder of it.
    entry: Object.fromEntries(entry.map((file) => [file.replace(/^src\/|\.ts$/g, ""), file])),
    splitting: true,
    // tsup sets `baseUrl`, which TypeScript 6 no longer takes without this.
    dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  };
}

/**
 * How an application is built: file by file, nothing bundled. A worker imports the module that
 * defines a class by its file, and a bundle would run the whole application there once more.
 */
export function application(): Options {
  return { ...shared, entry: ["src/**/*.ts"], bundle: false };
}
