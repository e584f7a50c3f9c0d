import type { AdviceOptions } from "../operations/wrap.js";
import type { ConfigSections, Written } from "./config-types.js";

/** What may stand in an rc file or be given to `createKernel({ config })`, as far as types tell. */
export type MlmcpConfig = WrittenSections & {
  /** Where editors find the schema of this file. It means nothing to the kernel. */
  readonly $schema?: string;
  /** Files or packages whose configuration this one adds to and changes. */
  readonly extends?: string | readonly string[];
  /** Names of packages, or paths; in a map `false` turns one off and an object gives it options. */
  readonly plugins?: readonly string[] | { readonly [name: string]: boolean | object };
  /** Settings for operations, by id or glob: `"Report.*"`. */
  readonly operations?: { readonly [idOrGlob: string]: OperationConfig };
  /** What else holds where `system.environment` has this name. */
  readonly profiles?: { readonly [environment: string]: Omit<MlmcpConfig, "profiles" | "$schema"> };
  /** Path of a module that imports the application's classes, for the command line. */
  readonly app?: string;
};

/** What `createKernel({ config })` takes: a section that the types do not know may hold anything. */
export type KernelConfig = MlmcpConfig & { readonly [section: string]: unknown };

type WrittenSections = { readonly [Name in keyof ConfigSections]?: Written<ConfigSections[Name]> };

/**
 * What one operation's advice is changed by: `false` turns it off, `true` on as it was decorated,
 * options change options. Advice whose plugin does not tell its types takes anything.
 */
export type OperationConfig = {
  readonly [Name in keyof AdviceOptions]?: Changes<AdviceOptions[Name]> | boolean;
} & {
  /** Advice in the order in which it is to stand, outermost first. */
  readonly order?: readonly string[];
  readonly [advice: string]: unknown;
};

/** Only some of the options may be given: they change those of the decorator. */
type Changes<Options> = Options extends object ? Partial<Options> : Options;

/**
 * Gives a configuration its type, so that an editor completes and checks it. It returns what it is
 * given.
 *
 * ```ts
 * // mlmcp.config.ts
 * import { defineConfig } from "@mlmcp/core";
 *
 * export default defineConfig({
 *   plugins: ["@mlmcp/plugin-cache"],
 *   cache: { ttl: "30m" },
 *   operations: { "Report.*": { retry: { maxRetries: 5 } } },
 * });
 * ```
 *
 * A section is known to the types once the plugin that has it is imported anywhere in the program;
 * an application's own is, once it adds to {@link ConfigSections}.
 */
export function defineConfig(config: MlmcpConfig): MlmcpConfig {
  return config;
}
