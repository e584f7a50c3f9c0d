import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { projects, typeProjects } from "./vitest.shared.js";

const source = (path: string) => fileURLToPath(new URL(`./packages/${path}`, import.meta.url));

/** Packages resolve to their sources, so that no build is needed to run the tests. */
const alias = [
  { find: /^@mlmcp\/core\/testing$/, replacement: source("core/src/testing/index.ts") },
  { find: /^@mlmcp\/plugin-cache\/sqlite$/, replacement: source("plugin-cache/src/sqlite.ts") },
  { find: /^@mlmcp\/([\w-]+)$/, replacement: source("$1/src/index.ts") },
];

const plugins = ["cache", "memory", "monitor", "parallel", "validate"];

export default defineConfig({
  resolve: { alias },
  test: {
    projects: [...projects("{packages,examples,benchmarks}"), ...typeProjects()],
    coverage: {
      provider: "v8",
      reportOnFailure: true,
      include: ["packages/*/src/**/*.ts"],
      reporter: ["text-summary", "html", "json-summary"],
      thresholds: {
        "packages/core/src/**": { lines: 90 },
        ...Object.fromEntries(plugins.map((name) => [`packages/plugin-${name}/src/**`, { lines: 85 }])),
      },
    },
  },
});
