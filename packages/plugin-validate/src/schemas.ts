import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { ConfigurationError } from "@mlmcp/core";
import { closed } from "./closed.js";

/** A JSON Schema: `true` admits everything, `false` nothing. */
export type Schema = boolean | object;

/** Answers whether a value matches; after `false`, `errors` says what does not. */
export interface Check {
  (value: unknown): boolean;
  errors?: ErrorObject[] | null;
}

const loose: Options = {
  allErrors: true,
  // Otherwise inherited names such as `constructor` would satisfy `required`.
  ownProperties: true,
  // A misspelt keyword or format would check nothing: it is an error in every mode.
  strictSchema: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  allowUnionTypes: true,
  // Compiling refuses nearly every faulty schema by itself; the meta-schema costs the first call 20-50 ms.
  meta: false,
  validateSchema: false,
  // Errors carry their schema, which may say that a value is secret.
  verbose: true,
  logger: false,
};

const strictly: Options = {
  ...loose,
  strictTypes: true,
  strictTuples: true,
  strictRequired: true,
  meta: true,
  validateSchema: true,
};

/**
 * Compiles JSON Schemas with ajv, each schema object once. They are read as draft-07, or as
 * draft 2020-12 where `$schema` names it; formats are those of ajv-formats.
 *
 * With `strict`, a schema must match its meta-schema and ajv refuses likely mistakes: a rule
 * without the `type` that it applies to, a required property that is not listed, an open tuple.
 * Objects that list `properties` then admit no others unless their schema says so.
 */
export class SchemaCompiler {
  readonly strict: boolean;
  readonly #checks = new WeakMap<object, Check>();
  #draft07: Ajv | undefined;
  #draft2020: Ajv | undefined;

  constructor({ strict = false }: { strict?: boolean } = {}) {
    this.strict = strict;
  }

  /**
   * The compiled check belongs to the schema object, and compiling takes about a millisecond:
   * keep the object.
   *
   * @param where names the schema in the error about one that cannot be compiled
   * @throws ConfigurationError
   */
  compile(schema: Schema, where = "The schema"): Check {
    if (typeof schema === "boolean") return this.#build(schema, where);
    let check = this.#checks.get(schema);
    if (!check) this.#checks.set(schema, (check = this.#build(schema, where)));
    return check;
  }

  #build(schema: Schema, where: string): Check {
    try {
      const ajv = this.#dialect(schema);
      const effective = this.strict ? closed(schema) : schema;
      try {
        const check = ajv.compile(effective);
        // Its answer would be a promise, which counts as true.
        if ("$async" in check)
          throw new Error("$async is not supported, because a call cannot wait for its check");
        return guarded(check);
      } finally {
        // ajv would hold on to each schema, and take two with one `$id` for a conflict.
        ajv.removeSchema();
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/^strict mode: /, "") : String(error);
      throw new ConfigurationError(`${where} is not a usable JSON Schema: ${reason}`, {
        cause: error,
        suggestions: [
          "Correct the schema: the keywords are those of draft-07, or of draft 2020-12 where $schema names it.",
          ...(this.strict
            ? ["validation.strictMode refuses loose schemas too: turn it off if this one is meant as it is."]
            : []),
        ],
      });
    }
  }

  #dialect(schema: Schema): Ajv {
    const options = this.strict ? strictly : loose;
    const named = typeof schema === "object" && "$schema" in schema ? String(schema.$schema) : "draft-07";
    if (named.includes("draft-07")) return (this.#draft07 ??= extended(new Ajv(options)));
    if (named.includes("2020-12")) return (this.#draft2020 ??= extended(new Ajv2020(options)));
    throw new Error(`$schema names ${named}; draft-07 and draft 2020-12 are supported`);
  }
}

/** A value that cannot be read (a getter that throws, a circle that never ends) does not match. */
function guarded(validate: ValidateFunction): Check {
  const check: Check = (value) => {
    try {
      if (validate(value)) return true;
      check.errors = validate.errors;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      check.errors = [
        {
          keyword: "readable",
          instancePath: "",
          schemaPath: "#",
          params: {},
          message: `cannot be read: ${reason}`,
        },
      ];
    }
    return false;
  };
  return check;
}

function extended(ajv: Ajv): Ajv {
  formats.default(ajv);
  // Ours: marks an argument that may be left out.
  ajv.addKeyword({ keyword: "optional", schemaType: "boolean" });
  return ajv;
}
