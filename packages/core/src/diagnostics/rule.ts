import type { SectionSchema } from "../config/sections.js";
import type { ConfigSources } from "../config/sources/sources.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Operation } from "../operations/operation.js";
import type { Finding } from "../plugin.js";

/** What surrounds a kernel: known also where none could be made. */
export interface Surroundings {
  /** Without the `v`: `20.19.0`. */
  readonly nodeVersion: string;
  /** Where the application's packages are looked for. */
  readonly cwd: string;
  /** Names of the plugins that are loaded; by custom those of their packages. */
  readonly plugins: readonly string[];
  /** The modules of the copies of this package that run in the process. */
  readonly copies: readonly string[];
}

/** A kernel as the rules see it, with what its configuration was made of. */
export interface Inspected extends Surroundings {
  readonly kernel: Kernel;
  readonly sources: ConfigSources;
  readonly sections: readonly SectionSchema[];
  /** Those whose class is not known yet among them. */
  readonly operations: readonly Operation[];
}

/** A rule of the core. It looks, and changes nothing. */
export interface CoreRule<Subject> {
  readonly rule: string;
  diagnose(subject: Subject): readonly Finding[] | Promise<readonly Finding[]>;
}
