import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigurationError } from "@mlmcp/core";

/**
 * The workers' entry. In the built package it lies beside this file. Whoever runs from elsewhere
 * (a bundle of the application, these sources under a test runner) has it in a file of its own,
 * compiled, and names that as `parallel.workerFile`.
 */
export function findWorkerFile(configured: string | undefined, cwd: string): string {
  const file =
    configured === undefined
      ? fileURLToPath(new URL("./worker.js", import.meta.url))
      : resolve(cwd, configured);
  if (existsSync(file)) return file;
  throw new ConfigurationError(
    `The workers' entry is missing: there is no ${file}${configured === undefined ? "" : " (parallel.workerFile)"}.`,
    {
      code: "MLMCP_PARALLEL_WORKER_FILE",
      context: { file, configured },
      suggestions: [
        "Do not bundle @mlmcp/plugin-parallel and tinypool: mark them as external.",
        "Or set parallel.workerFile to node_modules/@mlmcp/plugin-parallel/dist/worker.js.",
      ],
    },
  );
}
