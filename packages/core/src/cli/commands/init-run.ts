import { existsSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { configSchema } from "../../config/schema/json-schema.js";
import { rcFilesIn } from "../../config/sources/rc-search.js";
import { withFileLock } from "../../config/writing/file-lock.js";
import { makeFolder } from "../../config/writing/make-folder.js";
import { writeAtomically } from "../../config/writing/write-atomically.js";
import { installedPlugins } from "../../diagnostics/installed-plugins.js";
import { findPackage } from "../../diagnostics/packages.js";
import { createKernel, isMlmcpError, type Kernel } from "../../index.js";
import { audited, auditFile } from "../audited.js";
import type { CommandContext } from "../context.js";
import { CommandFailure, UsageError } from "../failure.js";
import { toJson } from "../terminal.js";
import { guessApp } from "./init-detect.js";
import { ignore, isIgnored } from "./init-ignore.js";
import { formats, type FormatName, type InitialConfig } from "./init-text.js";

/** What commander reads from `mlmcp init`. */
export interface InitOptions {
  readonly format?: FormatName;
  readonly environment?: string;
}

/** `mlmcp init`: writes a configuration file with what is installed here, and the schema that editors check it by. */
export async function initialize(context: CommandContext, given: InitOptions): Promise<void> {
  if (!context.interactive && context.options.yes !== true)
    throw new CommandFailure("nobody is there to be asked", "Run it with --yes to take what is found.");
  const { cwd, configFile } = context.place;
  if (configFile !== undefined)
    throw new UsageError(
      "init writes the file that is found by its name",
      "Say where with --cwd in place of --config.",
    );
  const format = given.format ?? (await askFormat(context));
  const file = join(cwd, formats[format].file);
  await refuseToOverwrite(file, context.options.force === true);
  if (format === "ts") refuseWithoutTypeScript(cwd);

  const wanted: InitialConfig = {
    system: {
      environment: given.environment ?? (await context.ask("Environment? [development]", "development")),
    },
    plugins: await askPlugins(context, cwd),
    ...(await askApp(context, cwd)),
  };
  const ignoring = await askIgnore(context, cwd);
  const { kernel, config, leftOut } = await loadable(context, wanted);
  const { schema } = formats[format];
  const log = { action: "init", by: "cli" as const, file, environment: config.system.environment };
  const write = async (): Promise<void> => {
    // Somebody may have been faster.
    await refuseToOverwrite(file, context.options.force === true);
    if (schema !== undefined) {
      await makeFolder(dirname(join(cwd, schema)));
      const text = `${JSON.stringify(configSchema(kernel.inspection.known), null, 2)}\n`;
      await writeAtomically(join(cwd, schema), text);
    }
    await writeAtomically(file, formats[format].text(config));
    if (ignoring === "wanted") await ignore(cwd);
  };
  await audited(auditFile(kernel.config, cwd), log, () => withFileLock(file, write));
  await kernel.stop();
  if (context.options.json === true) {
    context.print(
      toJson({
        file,
        schema: schema === undefined ? null : join(cwd, schema),
        gitignore: ignoring === "wanted" ? join(cwd, ".gitignore") : null,
        ...config,
        leftOut,
      }),
    );
    return;
  }
  context.print(
    [
      `Wrote ${context.paint("bold", basename(file))}${schema === undefined ? "" : `, and ${schema} for editors`}.`,
      ...(ignoring === "wanted" ? [".gitignore keeps .mlmcp/ out of the repository now."] : []),
      config.plugins.length === 0
        ? "No plugins are installed here."
        : `Plugins: ${config.plugins.join(", ")}.`,
      ...leftOut.map(({ plugin, reason }) => context.paint("yellow", `Left out ${plugin}: ${reason}`)),
      "Next:",
      "  mlmcp config show      what is in effect, and where it comes from",
      ...(config.app === undefined
        ? ["  add `app: ./dist/app.js`, a module that only imports your classes, then `mlmcp operations`"]
        : [`  mlmcp operations       the decorated methods that ${config.app} imports`]),
      "  mlmcp doctor           what is worth mending",
      ...(schema === undefined
        ? []
        : [`  mlmcp config schema --output ${schema}      the schema, anew after plugins have changed`]),
      ...(ignoring === "not wanted" ? ["  keep .mlmcp/ out of version control"] : []),
    ].join("\n"),
  );
}

async function askFormat(context: CommandContext): Promise<FormatName> {
  const names = Object.keys(formats);
  const answer = await context.ask(`Format (${names.join(", ")})? [yaml]`, "yaml");
  if (names.includes(answer)) return answer as FormatName;
  throw new CommandFailure(`there is no format ${JSON.stringify(answer)}`, `There are: ${names.join(", ")}.`);
}

async function askPlugins(context: CommandContext, cwd: string): Promise<string[]> {
  const found = installedPlugins(cwd).join(", ") || "none";
  const answer = await context.ask(`Plugins, with commas, or none? [${found}]`, found);
  return answer === "none" ? [] : answer.split(/[\s,]+/).filter((name) => name !== "");
}

async function askApp(context: CommandContext, cwd: string): Promise<{ app?: string }> {
  const { app } = context.options;
  // From where the command was typed, as every other path on a command line.
  if (app !== undefined) return { app: relativeTo(cwd, resolve(context.terminal.cwd, app)) };
  const guess = guessApp(cwd) ?? "none";
  const answer = await context.ask(`Module that only imports your classes, or none? [${guess}]`, guess);
  return answer === "none" ? {} : { app: relativeTo(cwd, resolve(cwd, answer)) };
}

/** Whether `.mlmcp/`, where the schema and the audit log are, is to be kept out of the repository. */
async function askIgnore(
  context: CommandContext,
  cwd: string,
): Promise<"wanted" | "not wanted" | "needless"> {
  if (isIgnored(cwd)) return "needless";
  const answer = await context.ask("Add .mlmcp/ to .gitignore? [Y/n]", "y");
  return /^y(es)?$/i.test(answer) ? "wanted" : "not wanted";
}

function relativeTo(directory: string, file: string): string {
  const path = relative(directory, file).replaceAll("\\", "/");
  return path.startsWith("../") ? path : `./${path}`;
}

/** A file that would stand in the way of the new one, or be read in its place. */
async function refuseToOverwrite(file: string, force: boolean): Promise<void> {
  const other = (await rcFilesIn(dirname(file))).find((name) => name !== basename(file));
  if (other !== undefined) {
    throw new CommandFailure(
      `there is a configuration already: ${join(dirname(file), other)}`,
      "Remove it first, or change it with `mlmcp config set`.",
    );
  }
  if (existsSync(file) && !force) {
    throw new CommandFailure(
      `there is a configuration already: ${file}`,
      "Change it with `mlmcp config set`, or write it anew with --force.",
    );
  }
}

function refuseWithoutTypeScript(cwd: string): void {
  const native = Boolean((process.features as { typescript?: unknown }).typescript);
  const missing = ["@mlmcp/core", ...(native ? [] : ["typescript"])].filter(
    (name) => !findPackage(name, cwd),
  );
  if (missing.length === 0) return;
  throw new CommandFailure(
    `mlmcp.config.ts could not be read: ${missing.join(" and ")} cannot be found from ${cwd}`,
    `Install what is missing (\`npm install --save-dev ${missing.join(" ")}\`), or choose --format yaml.`,
  );
}

/** A kernel with this configuration, less the plugins that cannot be loaded: the file that is written can be. */
async function loadable(context: CommandContext, config: InitialConfig) {
  const { cwd, env } = context.place;
  const leftOut: Array<{ readonly plugin: string; readonly reason: string }> = [];
  for (let { plugins } = config; ;) {
    try {
      const { app: _, ...rest } = { ...config, plugins };
      const kernel: Kernel = await createKernel({ cwd, configFile: false, config: rest, env, start: false });
      return { kernel, config: { ...config, plugins }, leftOut };
    } catch (error) {
      const { cause } = error as Error;
      const failures: unknown[] = cause instanceof AggregateError ? cause.errors : [error];
      for (const failure of failures) {
        const plugin = isMlmcpError(failure) ? failure.context?.["plugin"] : undefined;
        if (typeof plugin !== "string" || !plugins.includes(plugin)) throw error;
        leftOut.push({ plugin, reason: (failure as Error).message });
        plugins = plugins.filter((name) => name !== plugin);
      }
    }
  }
}
