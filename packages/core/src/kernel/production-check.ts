import type { ConfigReader } from "../config/reader.js";
import type { SectionSchema } from "../config/sections.js";
import type { ChainContext } from "../operations/chain.js";
import type { Operation } from "../operations/operation.js";

/** What the core's own checks look at. */
export interface ProductionSubject {
  readonly config: ConfigReader;
  /** All sections that the configuration knows. */
  readonly sections: readonly SectionSchema[];
  /** Those that are known so far, pending ones among them. */
  readonly operations: readonly Operation[];
  readonly pluginState: ChainContext["pluginState"];
}

/** One of the core's own checks. */
export interface CoreProductionCheck {
  readonly name: string;
  readonly level: "refuse" | "warn";
  /** One message for each thing that is unsafe. */
  find(subject: ProductionSubject): readonly string[];
}
