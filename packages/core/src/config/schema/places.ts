import { coerce } from "../sources/coercion.js";
import { replaceTexts, type Layer, type Path } from "../layers.js";
import type { AdviceSchema } from "../operation-settings.js";
import { holdsSecretIn, isSecretIn, schemaAt } from "./schema-lookup.js";
import type { JsonSchema } from "./schema.js";
import type { SectionSchema } from "../sections.js";

/** What is known of the places of a whole configuration: sections, options of operations and of plugins. */
export class Places {
  readonly #sections: ReadonlyMap<unknown, JsonSchema>;
  readonly #advice: ReadonlyMap<unknown, AdviceSchema>;
  /** By the key of `plugins`. */
  readonly #options: ReadonlyMap<unknown, JsonSchema>;

  constructor(
    sections: readonly SectionSchema[],
    advice: readonly AdviceSchema[],
    pluginOptions: ReadonlyMap<string, string>,
  ) {
    this.#sections = new Map(sections.map(({ name, schema }) => [name, schema]));
    this.#advice = new Map(advice.map((one) => [one.name, one]));
    this.#options = new Map(
      Array.from(pluginOptions, ([section, plugin]) => [plugin, this.#sections.get(section) ?? {}]),
    );
  }

  /** Whether a schema calls what stands at a path, or around it, secret. */
  isSecret(path: Path): boolean {
    const [schema, inner] = this.#find(path);
    return schema !== undefined && inner.some((_, depth) => isSecretIn(schema, inner.slice(0, depth + 1)));
  }

  /** Whether a schema calls something below a path secret: a text there may be all of that, mistyped. */
  holdsSecret(path: Path): boolean {
    const [schema, inner] = this.#find(path);
    return schema !== undefined && holdsSecretIn(schema, inner);
  }

  /** A layer in which the texts that came from elsewhere are what the schemas of their places take them for. */
  coerceTexts(layer: Layer): Layer {
    return replaceTexts(layer, (text, path) => {
      if (layer.source(path).references === undefined) return undefined;
      const schema = this.#schemaAt(path);
      return schema && { value: coerce(text, schema) };
    });
  }

  #schemaAt(path: Path): JsonSchema | undefined {
    const [, , name] = path;
    const advice = path[0] === "operations" && path.length === 3 ? this.#advice.get(name) : undefined;
    if (advice !== undefined) return settingOf(advice);
    const [schema, inner] = this.#find(path);
    return schema && schemaAt(schema, inner);
  }

  /** The schema that describes a part of the configuration, and where in that part a path leads. */
  #find(path: Path): [schema: JsonSchema | undefined, inner: Path] {
    const [key, name, advice, ...rest] = path;
    if (key === "operations") return [this.#advice.get(advice)?.schema, rest];
    if (key === "plugins") return [this.#options.get(name), path.slice(2)];
    return [this.#sections.get(key), path.slice(1)];
  }
}

const settings = new WeakMap<JsonSchema, JsonSchema>();

/** What may stand for an advice under `operations`, so far as a text can say it. One for each advice: schemas are compiled once. */
function settingOf({ schema, shorthand }: AdviceSchema): JsonSchema {
  let found = settings.get(schema);
  if (found === undefined) {
    const short = shorthand === undefined ? [] : [shorthand.schema];
    found = { anyOf: [{ type: "boolean" }, ...short, { type: "object" }] };
    settings.set(schema, found);
  }
  return found;
}
