import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Options } from "tsup";

/**
 * Where decorators have metadata, tsup has esbuild keep the names of functions, by a call of
 * `Object.defineProperty` for each named function that is made, in every call that makes one.
 */
export const withoutKeptNames: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "without-kept-names",
  setup({ initialOptions }) {
    initialOptions.keepNames = false;
  },
};

const shared: Options = {
  format: "esm",
  target: "node20",
  tsconfig: fileURLToPath(new URL("./tsconfig.build.json", import.meta.url)),
  sourcemap: true,
  clean: true,
};

/** How a published package is built: ES modules with types and source maps, shared code in chunks. */
export function library({ entry }: { entry: string[] }): Options {
  const { name } = JSON.parse(readFileSync("package.json", "utf8")) as { name: string };
  return {
    ...shared,
    // The output mirrors src, also where every entry is in the same folder of it.
    entry: Object.fromEntries(entry.map((file) => [file.replace(/^src\/|\.ts$/g, ""), file])),
    splitting: true,
    esbuildPlugins: [withoutKeptNames],
    dts: {
      compilerOptions: {
        // tsup sets `baseUrl`, which TypeScript 6 no longer takes without this.
        ignoreDeprecations: "6.0",
        // A package that adds to its own public interfaces means its sources, which have no types built yet.
        paths: { [name]: ["./src/index.ts"] },
      },
    },
  };
}

/**
 * How an application is built: file by file, nothing bundled. A worker imports the module that
 * defines a class by its file, and a bundle would run the whole application there once more.
 */
export function application(): Options {
  return { ...shared, entry: ["src/**/*.ts"], bundle: false };
}
