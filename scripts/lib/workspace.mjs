// The packages of the workspace.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./steps.mjs";

/** Every package of the workspace, each after the packages that it depends on. */
export function packages() {
  const found = [...subfolders("packages"), ...subfolders("examples"), join(root, "benchmarks")]
    .filter((folder) => existsSync(join(folder, "package.json")))
    .map(readPackage);
  const byName = new Map(found.map((each) => [each.name, each]));
  const ordered = new Set();
  const visit = (each, path) => {
    if (path.includes(each))
      throw new Error(`Packages depend on each other: ${[...path, each].map((one) => one.name).join(" → ")}`);
    for (const name of each.dependsOn) if (byName.has(name)) visit(byName.get(name), [...path, each]);
    ordered.add(each);
  };
  for (const each of found) visit(each, []);
  return [...ordered];
}

/** The packages that are published. */
export function publicPackages() {
  return packages().filter((each) => !each.manifest.private);
}

function readPackage(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const dependsOn = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    .filter(([, version]) => version.startsWith("workspace:"))
    .map(([name]) => name);
  return { name: manifest.name, folder, manifest, dependsOn };
}

function subfolders(name) {
  return readdirSync(join(root, name), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, name, entry.name))
    .sort();
}
