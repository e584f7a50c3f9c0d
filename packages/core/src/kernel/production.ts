import { inspect } from "node:util";
import { nearest } from "../config/nearest.js";
import { describeSource } from "../config/reader.js";
import { ConfigurationError } from "../errors/index.js";
import type { Plugin, PluginKernel } from "../plugin.js";
import type { CoreProductionCheck, ProductionSubject } from "./production-check.js";
import { missingCredentials } from "./production-credentials.js";
import { protectionOff } from "./production-protection.js";
import { weakSecrets } from "./production-secrets.js";

/** Something that is not as production wants it. */
export interface ProductionReason {
  /** `<plugin>/<check>`, as `system.production.allow` names it. */
  readonly check: string;
  /** `accepted`: it would refuse, but `system.production.allow` names it. */
  readonly level: "refuse" | "accepted" | "warn";
  /** What is unsafe and what to do. */
  readonly message: string;
}

/** A plugin with the kernel as it sees it. */
export interface CheckedPlugin {
  readonly plugin: Plugin;
  readonly kernel: PluginKernel;
}

const debugging: CoreProductionCheck = {
  name: "debug",
  level: "warn",
  find: ({ config }) =>
    config.get("system.debug") === true
      ? [
          `system.debug (${describeSource(config.explain("system.debug").source)}) is on: ` +
            "it writes each change of the configuration to standard error. Remove it.",
        ]
      : [],
};

const coreChecks: readonly CoreProductionCheck[] = [
  weakSecrets,
  missingCredentials,
  protectionOff,
  debugging,
];

/** Runs all checks, the core's first. Whether the environment is production is the caller's affair. */
export function productionReasons(
  subject: ProductionSubject,
  plugins: readonly CheckedPlugin[],
  ownChecks: readonly CoreProductionCheck[] = coreChecks,
): ProductionReason[] {
  const allowed = new Set(subject.config.get<readonly string[]>("system.production.allow"));
  const reasons: ProductionReason[] = [];
  const run = (check: string, find: () => ReadonlyArray<Omit<ProductionReason, "check">>): void => {
    let found: ReadonlyArray<Omit<ProductionReason, "check">>;
    try {
      found = find();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      found = [{ level: "refuse", message: `The check could not be made: ${message}` }];
    }
    for (const { level, message } of found)
      reasons.push({ check, message, level: level === "refuse" && allowed.has(check) ? "accepted" : level });
  };
  for (const { name, level, find } of ownChecks)
    run(`@mlmcp/core/${name}`, () => find(subject).map((message) => ({ level, message })));
  for (const { plugin, kernel } of plugins) {
    for (const check of plugin.productionChecks ?? []) {
      run(`${plugin.name}/${check.name}`, () => {
        const found = check.check(kernel);
        if (!found) return [];
        // From JavaScript, or where somebody awaits in a check: what is not understood must not pass.
        if (found.level !== "refuse" && found.level !== "warn")
          throw new Error(
            `it answered ${inspect(found)}, which is not { level: "refuse" | "warn", message }`,
          );
        return [found];
      });
    }
  }
  return reasons;
}

/** Names under `system.production.allow` that no check has, with what they may have meant. */
export function unknownAllowed({ config }: ProductionSubject, plugins: readonly CheckedPlugin[]): string[] {
  const known = [
    ...coreChecks.map(({ name }) => `@mlmcp/core/${name}`),
    ...plugins.flatMap(({ plugin }) =>
      (plugin.productionChecks ?? []).map(({ name }) => `${plugin.name}/${name}`),
    ),
  ];
  return config.get<readonly string[]>("system.production.allow").flatMap((name) => {
    if (known.includes(name)) return [];
    const meant = nearest(name, known);
    return [
      `system.production.allow names "${name}", which is no check of a loaded plugin.` +
        (meant ? ` Did you mean "${meant}"?` : ` There are: ${known.join(", ")}.`),
    ];
  });
}

/**
 * Refuses what is unsafe, every reason at once.
 *
 * @throws ConfigurationError (MLMCP_PRODUCTION_UNSAFE)
 */
export function refuseUnsafe(reasons: readonly ProductionReason[]): void {
  const refused = reasons.filter(({ level }) => level === "refuse");
  if (refused.length === 0) return;
  const lines = refused.map(({ message, check }) => `${message} (${check})`);
  const checks = [...new Set(refused.map(({ check }) => check))];
  throw new ConfigurationError(`This configuration is not safe for production:\n  ${lines.join("\n  ")}`, {
    code: "MLMCP_PRODUCTION_UNSAFE",
    context: { reasons: lines, checks },
    suggestions: [
      `Where a refusal is known and accepted, name its check: system.production.allow: ${JSON.stringify(checks)}.`,
    ],
  });
}
