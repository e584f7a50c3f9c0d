import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { root } from "./steps.mjs";

const core = join(root, "packages/core");

/**
 * Makes so many calls under every advice of the resilience plugin in a process of its own, built
 * from the sources.
 *
 * @param {number} calls at least some ten thousand, so that there is something to see
 * @returns {Promise<import("../../packages/core/test/resilience/soak/soak.child.ts").SoakReport>}
 */
export async function soak(calls) {
  // Below the package, so that its dependencies are found.
  const folder = join(core, `node_modules/.cache/soak-${process.pid}`);
  const outfile = join(folder, "soak.child.mjs");
  try {
    await build({
      entryPoints: [join(core, "test/resilience/soak/soak.child.ts")],
      outfile,
      bundle: true,
      packages: "external",
      alias: {
        "@mlmcp/core/testing": join(core, "src/testing/index.ts"),
        "@mlmcp/core": join(core, "src/index.ts"),
      },
      format: "esm",
      platform: "node",
      tsconfig: join(root, "tsconfig.json"),
    });
    const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", outfile, String(calls)]);
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
