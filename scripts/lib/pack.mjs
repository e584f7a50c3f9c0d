import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pnpm, root, run, step } from "./steps.mjs";
import { publicPackages } from "./workspace.mjs";

const folder = join(root, "reports/tarballs");

/** Packs every published package as the registry would get it. */
export async function pack() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await step("pack", () =>
    pnpm(["--filter", "./packages/*", "pack", "--pack-destination", folder], { quiet: true }),
  );
}

/** Where {@link pack} leaves a package. */
export function tarballOf({ name, manifest }) {
  return join(folder, `${name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`);
}

/** Whether the packed packages can be imported, with types, by those who install them. */
export async function checkPacked() {
  for (const each of publicPackages()) {
    console.log(`  ${each.name}`);
    await run("publint", ["run", tarballOf(each), "--strict"], { quiet: true });
    await run("attw", [tarballOf(each), "--profile", "esm-only"], { quiet: true });
  }
}
