// Installs what the lockfile says, once: a stamp tells whether a manifest has changed since.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashOf, readText } from "./files.mjs";
import { pnpm, root, step } from "./steps.mjs";
import { packages } from "./workspace.mjs";

const stamp = join(root, "node_modules/.install-stamp");

export async function install() {
  const inputs = ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", "package.json"].map((file) =>
    join(root, file),
  );
  const manifests = packages().map((each) => join(each.folder, "package.json"));
  const current = hashOf([...inputs, ...manifests], `${process.platform} ${process.arch}`);
  if (readText(stamp) === current) return;
  await step("install", () => pnpm(["install", "--frozen-lockfile", "--config.confirmModulesPurge=false"]));
  writeFileSync(stamp, current);
}
