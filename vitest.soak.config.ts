import { defineConfig } from "vitest/config";
import config from "./vitest.config.js";

/** Trials that take minutes, one after another: `node scripts/soak.mjs`. */
export default defineConfig({
  ...(config.resolve && { resolve: config.resolve }),
  test: {
    include: ["packages/*/test/**/*.soak.ts"],
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
