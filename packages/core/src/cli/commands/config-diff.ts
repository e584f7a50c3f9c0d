import { resolve } from "node:path";
import { changedPaths } from "../../config/changes.js";
import { parsePath } from "../../config/problems.js";
import type { CommandContext } from "../context.js";
import { ExitCode, exitCodes, UsageError } from "../failure.js";
import { formatTable, toJson } from "../terminal.js";
import { loadConfig, type LoadedConfig } from "./config-loading.js";
import { readable } from "./config-settings.js";

/** What commander reads from `mlmcp config diff`. */
interface DiffOptions {
  readonly profile?: string;
  readonly with?: string;
  readonly against?: string;
}

/**
 * `mlmcp config diff`: the settings that differ between two environments, or two files. Like `diff`, it
 * exits with 1 where there are some. Not told is the name of the environment itself.
 */
export async function diffConfig(
  context: CommandContext,
  { profile, with: other, against }: DiffOptions,
): Promise<void> {
  if ((other === undefined) === (against === undefined)) {
    throw new UsageError(
      against === undefined ? "there is nothing to compare with" : "--with and --against exclude each other",
      "Name an environment (--with production) or a file (--against other.yaml).",
    );
  }
  const left = await loadConfig(context, { environment: profile });
  const right = await loadConfig(
    context,
    against === undefined
      ? { environment: other, environmentFrom: "--with" }
      : { environment: profile, file: resolve(context.terminal.cwd, against) },
  );
  const differences = changedPaths({ config: right.config, previous: left.config })
    .filter(({ path }) => path !== "system.environment")
    .map(({ path, from, to }) => ({ path, left: from, right: to }));
  const sides = { left: sideOf(left), right: sideOf(right) };
  if (context.options.json === true) context.print(toJson({ ...sides, differences }));
  else if (differences.length === 0) context.print("Nothing differs.");
  else {
    const { paint } = context;
    const heading = Object.entries(sides).map(([side, { file, environment }]) =>
      paint("dim", `# ${side}: ${file ?? "no configuration file"}, environment ${environment}`),
    );
    const rows = differences.map((one) => ({
      setting: one.path,
      left: one.left === undefined ? "" : readable(left.known, parsePath(one.path), one.left),
      right: one.right === undefined ? "" : readable(right.known, parsePath(one.path), one.right),
    }));
    context.print(`${heading.join("\n")}\n${formatTable(rows, paint)}`);
  }
  if (differences.length > 0) throw new ExitCode(exitCodes.failure);
}

function sideOf({ config: { file, environment } }: LoadedConfig) {
  return { file: file ?? null, environment };
}
