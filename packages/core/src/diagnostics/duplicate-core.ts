import { fileURLToPath } from "node:url";
import type { Finding } from "../plugin.js";
import { findPackage } from "./packages.js";
import type { CoreRule, Surroundings } from "./rule.js";

/**
 * One copy of the core. Several share operations and context, but each has its own classes: services
 * registered by class and `instanceof` do not meet.
 */
export const duplicateCore: CoreRule<Surroundings> = {
  rule: "duplicate-core",
  diagnose({ cwd, plugins, copies }) {
    const findings: Finding[] = [];
    const mend =
      "Install one for all: `npm ls @mlmcp/core` shows who brings each, `npm dedupe` joins them. " +
      "A package that extends mlmcp lists it under peerDependencies, and a bundle leaves it external.";
    if (copies.length > 1) {
      const files = copies.map((url) => (url.startsWith("file:") ? fileURLToPath(url) : url));
      findings.push({
        level: "error",
        message: `${copies.length} copies of @mlmcp/core run in this process: ${files.join(", ")}.`,
        mend,
      });
    }
    const users = new Map<string, string[]>();
    const note = (user: string, directory: string | undefined): void => {
      if (directory !== undefined) users.set(directory, [...(users.get(directory) ?? []), user]);
    };
    note("the application", findPackage("@mlmcp/core", cwd)?.directory);
    for (const name of plugins) {
      const plugin = findPackage(name, cwd);
      if (plugin) note(name, findPackage("@mlmcp/core", plugin.directory)?.directory);
    }
    if (users.size > 1) {
      const listed = Array.from(users, ([directory, names]) => `${directory} (${names.join(", ")})`);
      findings.push({
        level: "error",
        message: `${users.size} copies of @mlmcp/core are installed: ${listed.join(", ")}.`,
        mend,
      });
    }
    return findings;
  },
};
