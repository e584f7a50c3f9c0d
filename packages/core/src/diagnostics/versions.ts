import type { Finding } from "../plugin.js";
import { findPackage } from "./packages.js";
import type { CoreRule, Surroundings } from "./rule.js";
import { satisfies } from "./version-range.js";

const core = "@mlmcp/core";
const supportedNode = ">=20.19";

/** Node and the packages fit each other. */
export const versions: CoreRule<Surroundings> = {
  rule: "versions",
  diagnose({ nodeVersion, cwd, plugins }) {
    const findings: Finding[] = [];
    if (satisfies(nodeVersion, supportedNode) === false) {
      findings.push({
        level: "error",
        message: `This is Node ${nodeVersion}; ${core} needs ${supportedNode}.`,
        mend: "Install a Node that is still maintained, and start the application with it.",
      });
    }
    for (const name of plugins) {
      const plugin = findPackage(name, cwd);
      const used = plugin && findPackage(core, plugin.directory);
      if (!plugin?.manifest.version || !used?.manifest.version) continue;
      const { version } = plugin.manifest;
      const range = plugin.manifest.peerDependencies?.[core];
      if (name.startsWith("@mlmcp/") && version !== used.manifest.version) {
        findings.push({
          level: "error",
          message: `${name} ${version} runs with ${core} ${used.manifest.version}; they are released together.`,
          mend: `Install one version of all @mlmcp packages: npm install ${core}@${version} ${name}@${version}`,
        });
      } else if (range !== undefined && satisfies(used.manifest.version, range) === false) {
        findings.push({
          level: "error",
          message: `${name} ${version} asks for ${core} ${range}, and ${used.manifest.version} is installed.`,
          mend: `Install a version of ${name} for ${core} ${used.manifest.version}, or a ${core} that it takes.`,
        });
      }
    }
    return findings;
  },
};
