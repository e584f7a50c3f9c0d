import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import type { Plugin } from "vite";
import type { TestProjectInlineConfiguration } from "vitest/config";

/** Real engines on a busy machine take their time; a test that hangs is still found. */
const patience = { testTimeout: 180_000, hookTimeout: 180_000 };

const setupFiles = [fileURLToPath(new URL("./vitest.setup.ts", import.meta.url))];

const exclude = ["**/node_modules/**", "**/dist/**"];

/** Every test under `legacy` decorators, and `*.modes.test.ts` under `standard` (TC39) ones as well. */
export function projects(folders: string): TestProjectInlineConfiguration[] {
  return [
    {
      extends: true,
      test: {
        name: "legacy",
        include: [`${folders}/**/test/**/*.test.ts`],
        exclude,
        setupFiles,
        ...patience,
      },
    },
    {
      extends: true,
      plugins: [standardDecorators()],
      test: {
        name: "standard",
        include: [`${folders}/**/test/**/*.modes.test.ts`],
        exclude,
        setupFiles,
        ...patience,
      },
    },
  ];
}

/** Type tests under the compiler options of either decorator mode. */
export function typeProjects(): TestProjectInlineConfiguration[] {
  return [
    { extends: true, test: { name: "types-legacy", typecheck: typecheck("./tsconfig.types.json") } },
    { extends: true, test: { name: "types-standard", typecheck: typecheck("./tsconfig.standard.json") } },
  ];
}

function typecheck(tsconfig: string) {
  return { enabled: true, only: true, include: ["packages/*/test/**/*.test-d.ts"], tsconfig };
}

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
