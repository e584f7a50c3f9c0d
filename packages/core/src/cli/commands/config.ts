import type { Command } from "commander";
import type { CommandContext } from "../context.js";
import { filled } from "../filled.js";

/** `mlmcp config …`. Each command loads what it needs when it runs. */
export function addConfigCommands(program: Command, context: CommandContext): void {
  const config = program.command("config").description("The configuration");
  config
    .command("show")
    .description("print the effective configuration, each value with where it came from")
    .argument("[section]", "only this section")
    .option("--changed", "only what differs from the defaults")
    .option("--yaml", "as YAML, fit to be a configuration file")
    .option("--no-sources", "without where the values came from")
    .action(async (section: string | undefined, options) =>
      (await import("./config-show.js")).showConfig(context, section, options),
    );
  config
    .command("get")
    .description("print one value alone, for scripts")
    .argument("<path>", "such as cache.ttl")
    .option("--reveal", "print it even though it is a secret")
    .action(async (path: string, options) =>
      (await import("./config-get.js")).getSetting(context, path, options),
    );
  config
    .command("set")
    .description("write one value into the configuration file, once it is found valid")
    .argument("<path>", "such as cache.ttl")
    .argument("<value>", "a number, true, false, JSON, a list with commas, or a text such as 5m")
    .option("--profile <environment>", "into the profile of this environment", filled)
    .option("--dry-run", "print what would change, and change nothing")
    .action(async (path: string, value: string, options) =>
      (await import("./config-edit.js")).setSetting(context, path, value, options),
    );
  config
    .command("unset")
    .description("remove one value from the configuration file")
    .argument("<path>", "such as cache.ttl")
    .option("--profile <environment>", "from the profile of this environment", filled)
    .option("--dry-run", "print what would change, and change nothing")
    .action(async (path: string, options) =>
      (await import("./config-edit.js")).unsetSetting(context, path, options),
    );
  config
    .command("validate")
    .description(
      "check everything that is configured, for production what it refuses too; exits with 1 where something is wrong, with 0 where something only is warned of",
    )
    .option("--profile <environment>", "as if this were the environment", filled)
    .option("--all-profiles", "in the environment that is configured and in each that has a profile")
    .option(
      "--strict",
      "also refuse variables that nobody knows, and settings of operations that change nothing",
    )
    .action(async (options) => (await import("./config-validate.js")).validateConfig(context, options));
  config
    .command("explain")
    .description("print one value with its source, what it overrode, its type and its default")
    .argument("<path>", "such as cache.ttl")
    .action(async (path: string) => (await import("./config-explain.js")).explainSetting(context, path));
  config
    .command("schema")
    .description("print the JSON Schema of the configuration, with the plugins that are loaded, for editors")
    .option("--output <file>", "write it into this file; its folder is made where it is missing", filled)
    .action(async (options) => (await import("./config-schema.js")).printSchema(context, options));
  config
    .command("summary")
    .description("print where the configuration comes from and what it changes, on one screen")
    .action(async () => (await import("./config-summary.js")).summarizeConfig(context));
  config
    .command("diff")
    .description("print what differs between two environments or files; exits with 1 where something does")
    .option(
      "--profile <environment>",
      "the left side: this environment, in place of the one that is configured",
      filled,
    )
    .option("--with <environment>", "the right side: this environment", filled)
    .option("--against <file>", "the right side: this configuration file", filled)
    .action(async (options) => (await import("./config-diff.js")).diffConfig(context, options));
}
