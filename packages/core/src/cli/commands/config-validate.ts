import { describeProblem, type ConfigProblem } from "../../config/problems.js";
import { withoutWarnings } from "../../config/warnings.js";
import type { Kernel } from "../../kernel/kernel.js";
import type { CommandContext } from "../context.js";
import { CommandFailure, UsageError } from "../failure.js";
import { toJson } from "../terminal.js";
import { readConfig, withKernel, type Variant } from "./config-loading.js";
import { place } from "./config-settings.js";

/** What commander reads from `mlmcp config validate`. */
interface ValidateOptions {
  readonly profile?: string;
  readonly allProfiles?: boolean;
  readonly strict?: boolean;
}

/** What one environment has wrong, or what production warns of. */
interface Issue extends ConfigProblem {
  readonly level: "error" | "warning";
  /** The production check that found it, as `system.production.allow` names it. */
  readonly check?: string;
}

/** An issue with those of the environments looked at that have it. */
interface SharedIssue extends Issue {
  readonly environments: readonly string[];
}

/**
 * `mlmcp config validate`: everything that is wrong with the configuration at once, in production also
 * what its checks refuse.
 */
export async function validateConfig(
  context: CommandContext,
  { profile, allProfiles, strict }: ValidateOptions,
): Promise<void> {
  if (profile !== undefined && allProfiles === true)
    throw new UsageError("--profile and --all-profiles exclude each other", "Leave one of them out.");
  const found = new Map<string, SharedIssue>();
  const checked: string[] = [];
  let untold = 0;
  const check = async (environment: string | undefined, environmentFrom?: string): Promise<void> => {
    const variant = { environment, environmentFrom, strict };
    const { name, issues, total } = await issuesIn(context, variant);
    if (name !== undefined) checked.push(name);
    untold = Math.max(untold, total - issues.length);
    for (const issue of issues) {
      const key = JSON.stringify([issue.level, issue.path, issue.message, issue.source]);
      const environments = [...(found.get(key)?.environments ?? []), name ?? environment ?? "?"];
      found.set(key, { ...issue, environments });
    }
  };
  await check(profile);
  if (allProfiles === true) {
    for (const name of await profileNames(context))
      if (!checked.includes(name)) await check(name, "--all-profiles");
  }
  const errors = [...found.values()].filter(({ level }) => level === "error");
  const warnings = [...found.values()].filter(({ level }) => level === "warning");
  const valid = errors.length === 0;
  if (context.options.json === true) {
    const told = ({ level: _, ...issue }: SharedIssue) => issue;
    context.print(
      toJson({ valid, environments: checked, issues: errors.map(told), warnings: warnings.map(told) }),
    );
  } else {
    const lines = [...errors, ...warnings].map((issue) => format(issue, checked.length > 1));
    if (valid) lines.push(`The configuration is valid (${checked.join(", ")}).`);
    context.print(lines.join("\n"));
  }
  if (valid) return;
  const places = errors.length + untold;
  throw new CommandFailure(
    `the configuration is wrong in ${places === 1 ? "1 place" : `${places} places`}`,
    errors.some((issue) => issue.check !== undefined)
      ? "Where a refusal is known and accepted, name its check under system.production.allow."
      : undefined,
  );
}

/** What is wrong in one environment; `total` counts what is not told one by one too. */
interface Found {
  readonly issues: readonly Issue[];
  readonly total: number;
}

async function issuesIn(
  context: CommandContext,
  variant: Variant,
): Promise<Found & { readonly name?: string | undefined }> {
  let name = variant.environment;
  try {
    name ??= (await readConfig(context, variant)).environment;
    const look = async (kernel: Kernel) => {
      warnOfUnchecked(context, kernel);
      return [...(await doubts(kernel)), ...unsafe(kernel)];
    };
    const issues = await withoutWarnings(toldAsDoubts, () => withKernel(context, variant, look));
    return { name, issues, total: issues.length };
  } catch (error) {
    return { name, ...issuesOf(error) };
  }
}

/** What the loading of a configuration warns of that is among the doubts, with its place. */
const toldAsDoubts = ["MLMCP_ENVIRONMENT_UNKNOWN", "MLMCP_UNKNOWN_VARIABLE"] as const;

/** What is most likely not as it was meant, and wrong under `system.strict`. */
async function doubts({ config, inspection }: Kernel): Promise<Issue[]> {
  const [{ unknownVariables }, { mistypedEnvironment }, { settingsWithoutEffect }] = await Promise.all([
    import("../../config/sources/variables.js"),
    import("../../config/sources/environment.js"),
    import("../../operations/unknown-ids.js"),
  ]);
  const { sources, sections, operations } = inspection;
  const level = config.get("system.strict") === true ? "error" : "warning";
  return [
    ...mistypedEnvironment(sources, config.explain("system.environment").source),
    ...unknownVariables(sources.env, sections),
    ...settingsWithoutEffect(config, operations),
  ].map((problem) => ({ level, ...problem }));
}

/** What production refuses or warns of, where this is production. */
function unsafe({ config, pluginSet }: Kernel): Issue[] {
  if (config.environment !== "production") return [];
  return pluginSet.productionReasons().flatMap(({ level, check, message }): Issue[] => {
    if (level === "accepted") return [];
    if (level === "warn") return [{ level: "warning", path: "", message, check }];
    return [{ level: "error", path: "", message: `production refuses to start: ${message}`, check }];
  });
}

function warnOfUnchecked({ terminal }: CommandContext, { config, operations }: Kernel): void {
  if (operations.list().length > 0) return;
  const unchecked = [
    ...(config.operationIds.length > 0 ? ["the ids under `operations`"] : []),
    ...(config.environment === "production" ? ["advice that protects operations"] : []),
  ];
  if (unchecked.length === 0) return;
  terminal.stderr.write(
    `warning: not checked, since no operation is known: ${unchecked.join(", ")}. Name the application's module: --app ./dist/app.js\n`,
  );
}

/** What is wrong, one by one where the error says so; other errors, such as a circle of plugins, as one. */
function issuesOf(error: unknown): Found {
  if (error instanceof UsageError || !(error instanceof Error)) throw error;
  const { context } = error as { context?: { issues?: readonly ConfigProblem[]; total?: number } };
  const problems = context?.issues ?? [{ path: "", message: error.message }];
  return {
    issues: problems.map((problem) => ({ level: "error", ...problem })),
    total: context?.total ?? problems.length,
  };
}

async function profileNames(context: CommandContext): Promise<readonly string[]> {
  try {
    return (await readConfig(context)).profiles;
  } catch {
    // Why is among the issues already.
    return [];
  }
}

/** One line, which begins with where it is, as compilers write it and editors open it. */
function format({ level, source, check, environments, ...problem }: SharedIssue, several: boolean): string {
  const where = source === undefined ? "" : `${place(source)}: `;
  const what = level === "warning" ? "warning: " : "";
  const by = check === undefined ? "" : ` (${check})`;
  return `${where}${what}${describeProblem(problem)}${by}${several ? ` [${environments.join(", ")}]` : ""}`;
}
