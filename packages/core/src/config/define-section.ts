import { fileURLToPath } from "node:url";
import { ConfigurationError } from "../errors/index.js";
import { shared } from "../operations/shared-state.js";
import { callerLocation } from "../operations/source-location.js";
import type { JsonSchema } from "./schema/schema.js";
import { problemOfSectionName, type SectionSchema } from "./sections.js";

/**
 * Adds a section to the configuration of every kernel that is created later: it has its defaults
 * from the schema, variables (`MLMCP_ML_BATCH_SIZE`), profiles, checks, `config.explain`,
 * `onChange`, and its place in the schema that editors use. A kernel that runs takes it up with its next
 * reload.
 *
 * ```ts
 * export const ml = defineSection("ml", {
 *   type: "object",
 *   properties: {
 *     batchSize: { type: "integer", minimum: 1, default: 32 },
 *     token: { type: "string", secret: true },
 *   },
 * });
 *
 * declare module "@mlmcp/core" {
 *   interface ConfigSections {
 *     ml: { batchSize: number; token?: string };
 *   }
 * }
 * ```
 *
 * A module that is evaluated again, as by a hot reload, replaces its own section.
 *
 * @param name one camelCase word, its key in the configuration
 * @param schema JSON Schema of the section; the keywords `duration`, `size` and `secret` are those
 * of {@link JsonSchema}
 * @throws ConfigurationError `MLMCP_SECTION` for a name that is no camelCase word, or one that
 * another module has defined; a plugin or the core that has the section already is an error when
 * the kernel is created
 */
export function defineSection(name: string, schema: JsonSchema): SectionSchema {
  const file = callerLocation(defineSection)?.file;
  const plugin = file?.startsWith("file:") ? fileURLToPath(file) : (file ?? "the application");
  const section = sectionOf({ name, schema, plugin });
  const other = shared.sections.get(name);
  if (other !== undefined && other.plugin !== plugin) {
    throw new ConfigurationError(
      `Both ${other.plugin} and ${plugin} define the section "${name}" of the configuration. Let one of them choose another name.`,
      { code: "MLMCP_SECTION", context: { section: name } },
    );
  }
  shared.sections.set(name, section);
  return section;
}

/** A section of its own, once its name and schema are fit to be one. */
export function sectionOf({ name, schema, plugin }: SectionSchema): SectionSchema {
  const problem = problemOfSectionName(name);
  const wrong = isSchema(schema) ? problem : 'has no JSON Schema. `{ type: "object" }` admits anything.';
  if (wrong !== undefined) {
    throw new ConfigurationError(`A section is called ${JSON.stringify(name)}, which ${wrong}`, {
      code: "MLMCP_SECTION",
      context: { section: name },
    });
  }
  return Object.freeze({ name, schema, plugin });
}

function isSchema(schema: unknown): boolean {
  return typeof schema === "object" && schema !== null && !Array.isArray(schema);
}
