import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { projects, typeProjects } from "../../vitest.shared.js";

/** Packages resolve as an installed dependency does: no alias to the sources. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: { projects: [...projects("packages"), ...typeProjects()] },
});
