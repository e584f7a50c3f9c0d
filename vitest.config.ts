import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { defineConfig, type Plugin } from "vitest/config";

const source = (path: string) => fileURLToPath(new URL(`./packages/${path}`, import.meta.url));

/** Packages resolve to their sources, so that no build is needed to run the tests. */
const alias = [
  { find: /^@mlmcp\/core\/testing$/, replacement: source("core/src/testing/index.ts") },
  { find: /^@mlmcp\/([\w-]+)$/, replacement: source("$1/src/index.ts") },
];

/** Lowers TC39 decorators, which the default transformer leaves in its output. */
function standardDecorators(): Plugin {
  return {
    name: "standard-decorators",
    enforce: "pre",
    async transform(code, id) {
      const file = id.split("?")[0]!;
      if (!file.endsWith(".ts") || file.includes("/node_modules/")) return undefined;
      const lowered = await transform(code, {
        loader: "ts",
        sourcefile: file,
        sourcemap: true,
        target: "es2022",
        tsconfigRaw: { compilerOptions: { experimentalDecorators: false, useDefineForClassFields: true } },
      });
      return { code: lowered.code, map: lowered.map };
    },
  };
}

const exclude = ["**/node_modules/**", "**/dist/**"];

export default defineConfig({
  resolve: { alias },
  test: {
    projects: [
      {
        extends: true,
        test: { name: "legacy", include: ["{packages,examples,benchmarks}/**/test/**/*.test.ts"], exclude },
      },
      {
        extends: true,
        plugins: [standardDecorators()],
        test: { name: "standard", include: ["{packages,examples}/**/test/**/*.modes.test.ts"], exclude },
      },
    ],
  },
});
