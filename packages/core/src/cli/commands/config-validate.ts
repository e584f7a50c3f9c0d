import { isPlainObject } from "../../config/plain.js";
import { describeProblem, type ConfigProblem } from "../../config/problems.js";
import type { CommandContext } from "../context.js";
import { CommandFailure, UsageError } from "../failure.js";
import { toJson } from "../terminal.js";
import { loadConfig, readConfig, type Variant } from "./config-loading.js";
import { place } from "./config-settings.js";

/** What commander reads from `mlmcp config validate`. */
interface ValidateOptions {
  readonly profile?: string;
  readonly allProfiles?: boolean;
  readonly strict?: boolean;
}

/** Something that is wrong, and in which of the environments that were looked at. */
interface Issue extends ConfigProblem {
  readonly environments: readonly string[];
}

/** `mlmcp config validate`: everything that is wrong with the configuration at once. */
export async function validateConfig(
  context: CommandContext,
  { profile, allProfiles, strict }: ValidateOptions,
): Promise<void> {
  if (profile !== undefined && allProfiles === true)
    throw new UsageError("--profile and --all-profiles exclude each other", "Leave one of them out.");
  const found = new Map<string, Issue>();
  const checked: string[] = [];
  const check = async (environment: string | undefined): Promise<void> => {
    const { name, problems } = await problemsOf(context, { environment, strict });
    if (name !== undefined) checked.push(name);
    for (const problem of problems) {
      const key = JSON.stringify([problem.path, problem.message, problem.source]);
      const environments = [...(found.get(key)?.environments ?? []), name ?? environment ?? "?"];
      found.set(key, { ...problem, environments });
    }
  };
  await check(profile);
  if (allProfiles === true) {
    for (const name of await profileNames(context)) if (!checked.includes(name)) await check(name);
  }
  const issues = [...found.values()];
  if (context.options.json === true)
    context.print(toJson({ valid: issues.length === 0, environments: checked, issues }));
  else if (issues.length === 0) context.print(`The configuration is valid (${checked.join(", ")}).`);
  else context.print(issues.map((issue) => format(issue, checked.length > 1)).join("\n"));
  if (issues.length === 0) return;
  throw new CommandFailure(
    `the configuration is wrong in ${issues.length === 1 ? "1 place" : `${issues.length} places`}`,
  );
}

async function problemsOf(
  context: CommandContext,
  variant: Variant,
): Promise<{ name?: string | undefined; problems: readonly ConfigProblem[] }> {
  let name = variant.environment;
  try {
    name ??= (await readConfig(context, variant)).environment;
    const { config } = await loadConfig(context, variant);
    if (variant.strict !== true && config.get("system.strict") !== true) return { name, problems: [] };
    const [{ settingsWithoutEffect }, { liveOperations }] = await Promise.all([
      import("../../operations/unknown-ids.js"),
      import("../../operations/operation.js"),
    ]);
    const operations = [...liveOperations()];
    if (operations.length === 0 && config.operationIds.length > 0) {
      context.terminal.stderr.write(
        "warning: the ids under `operations` are not checked, since no operation is known. Name the application's module: --app ./dist/app.js\n",
      );
    }
    return { name, problems: settingsWithoutEffect(config, operations) };
  } catch (error) {
    return { name, problems: issuesOf(error) };
  }
}

/** What is wrong, one by one where the error says so; other errors, such as a plugin that is missing, as one. */
function issuesOf(error: unknown): readonly ConfigProblem[] {
  if (error instanceof UsageError || !(error instanceof Error)) throw error;
  const { context } = error as { context?: { issues?: readonly ConfigProblem[] } };
  return context?.issues ?? [{ path: "", message: error.message }];
}

async function profileNames(context: CommandContext): Promise<string[]> {
  const { loadRcFile } = await import("../../config/sources/rc-loader.js");
  let files: readonly string[];
  try {
    ({ files } = await readConfig(context));
  } catch {
    // Why is among the issues already.
    return [];
  }
  const names = new Set<string>();
  for (const file of files) {
    const { value } = await loadRcFile(file);
    const profiles = isPlainObject(value) ? value["profiles"] : undefined;
    for (const name of Object.keys(isPlainObject(profiles) ? profiles : {})) names.add(name);
  }
  return [...names];
}

/** One line, which begins with where it is, as compilers write it and editors open it. */
function format({ source, environments, ...problem }: Issue, several: boolean): string {
  const where = source === undefined ? "" : `${place(source)}: `;
  return `${where}${describeProblem(problem)}${several ? ` [${environments.join(", ")}]` : ""}`;
}
