import { defineConfig } from "tsup";
import { library } from "../../tsup.config.base.js";

// The worker is found by its path, beside the rest: `dist/worker.js`.
export default defineConfig(library({ entry: ["src/index.ts", "src/worker.ts"] }));
