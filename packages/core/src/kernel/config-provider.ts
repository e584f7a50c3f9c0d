import type {
  ConfigReader,
  ConfigSources,
  KnownSchemas,
  SectionSchema,
  SourceOptions,
} from "../config/index.js";
import type { Plugin } from "../plugin.js";

/** Where a kernel's configuration comes from. */
export interface ConfigProvider {
  /** Reads the sources anew, to take them up; refuses those that would need other plugins than before. */
  reread(before: ConfigSources, limits: ReadingLimits): Promise<ConfigSources>;
  /** The same, only to look at them. */
  preview(before: ConfigSources, limits: ReadingLimits): Promise<ConfigSources>;
  /** What the sources come to with these plugins. */
  validate(sources: ConfigSources, plugins: readonly Plugin[]): Promise<ConfigReader>;
  /** What a configuration may hold with these plugins. */
  known(plugins: readonly Plugin[]): KnownSchemas;
  /** All sections that a configuration knows with these plugins. */
  sections(plugins: readonly Plugin[]): readonly SectionSchema[];
}

/** How long a reading is waited for: so many milliseconds, unless a signal ends it before. */
export type ReadingLimits = Required<Pick<SourceOptions, "timeout" | "signal">>;

/** A configuration and what it was read from. */
export interface Configured {
  readonly sources: ConfigSources;
  readonly config: ConfigReader;
}
