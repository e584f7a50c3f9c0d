import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copyPlain, isPlainObject } from "../../../src/config/plain.js";
import { acceptanceOf } from "../../../src/config/schema/acceptance.js";
import { fillDefaults } from "../../../src/config/schema/defaults.js";
import { compileSchema } from "../../../src/config/schema/schema-compiler.js";
import type { JsonSchema } from "../../../src/config/schema/schema.js";
import { coreSections } from "../../../src/config/sections.js";
import type { Plugin } from "../../../src/plugin.js";
import { resiliencePlugin } from "../../../src/resilience/index.js";

const packages = fileURLToPath(new URL("../../../../", import.meta.url));

/** Every section, every advice and every shorthand of this repository. */
const schemas = await (async () => {
  const plugins: Plugin[] = [resiliencePlugin];
  for (const name of readdirSync(packages)) {
    const file = `${packages}${name}/src/plugin.ts`;
    if (name !== "core" && existsSync(file))
      plugins.push(((await import(file)) as { default: Plugin }).default);
  }
  const found: Array<[name: string, schema: JsonSchema]> = [];
  for (const { name, schema } of coreSections) found.push([name, schema]);
  for (const { section, schema, decorators = [] } of plugins) {
    if (section !== undefined) found.push([section, schema as JsonSchema]);
    for (const { advice } of decorators) {
      found.push([`@${advice.name}`, { type: "object", properties: {}, ...advice.schema }]);
      if (advice.shorthand) found.push([`@${advice.name}(…)`, advice.shorthand.schema]);
    }
  }
  return found;
})();

/** What both say of a value: what comes of it, or that it does not match. */
function verdicts(schema: JsonSchema, value: unknown, fill: boolean) {
  const copy = () => (fill ? fillDefaults(schema, copyPlain(value)) : copyPlain(value));
  const accepted = acceptanceOf(schema)!(copy());
  const { value: converted, errors } = compileSchema(schema)(copy());
  return { quick: accepted, compiled: errors.length === 0 ? { value: converted } : undefined };
}

describe("the quick check of a value", () => {
  it.each(schemas)("knows what %s is made of, so that nothing is compiled at the start", (_, schema) => {
    expect(acceptanceOf(schema)).toBeDefined();
  });

  it.each(schemas)("says of values for %s what the compiled schema says", (_, schema) => {
    let matching = 0;
    fc.assert(
      fc.property(valueOf(schema), fc.boolean(), (value, fill) => {
        const { quick, compiled } = verdicts(schema, value, fill);
        // An instance is what it leaves to the other.
        if (quick || !holdsInstance(value)) expect(quick).toEqual(compiled);
        if (compiled) matching++;
      }),
      { numRuns: 300 },
    );
    expect(matching).toBeGreaterThan(0);
  });

  it("accepts nothing that another schema refuses, converts it alike, and leaves what is wrong to it", () => {
    const seen = { unknown: 0, accepted: 0, refused: 0 };
    const pairs = anySchema.chain((schema) =>
      fc.tuple(fc.constant(schema), fc.oneof(valueOf(schema), anyValue), fc.boolean()),
    );
    fc.assert(
      fc.property(pairs, ([schema, value, fill]) => {
        if (acceptanceOf(schema) === undefined) {
          seen.unknown++;
          return;
        }
        const { quick, compiled } = verdicts(schema, value, fill);
        if (quick) expect(quick).toEqual(compiled);
        seen[quick ? "accepted" : "refused"]++;
      }),
      { numRuns: 5_000 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(200);
  });

  it("leaves it to the compiled schema where a branch has converted what another one takes", () => {
    const schema = { anyOf: [{ duration: true, minimum: 10 }, { type: "string" }] };
    expect(acceptanceOf(schema)!("5ms")).toBeUndefined();
    expect(acceptanceOf(schema)!("soon")).toEqual({ value: "soon" });
  });

  it("leaves class instances to it where something is said of their properties", () => {
    const schema = { type: "object", properties: { wait: { duration: true } } };
    expect(acceptanceOf(schema)!(new Date())).toBeUndefined();
    expect(acceptanceOf({ type: "object" })!(new Date())).toEqual({ value: expect.any(Date) });
  });
});

function holdsInstance(value: unknown): boolean {
  if (value instanceof Map) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsInstance);
}

const word = fc.constantFrom(
  "",
  "a",
  "ab",
  "5s",
  "10ms",
  "1h",
  "64KB",
  "50%",
  "soon",
  "𝒳y",
  "constructor",
  "__proto__",
);
const key = fc.constantFrom("a", "b", "wait", "constructor", "__proto__");
const number = fc.constantFrom(-1, 0, 1, 2, 5, 10, 0.5, 1e9, NaN, Infinity);
const scalar = fc.oneof(
  word,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.constant(() => 1),
  fc.constant(new Map()),
);
const anyValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(key, tie("value"), { maxKeys: 3 }),
  ),
})).value;

/** Values near a schema: what it asks for, and now and then something else. */
function valueOf(schema: unknown): fc.Arbitrary<unknown> {
  const fitting = fittingOf(isPlainObject(schema) ? schema : {});
  return fc.oneof({ weight: 12, arbitrary: fitting }, { weight: 1, arbitrary: anyValue });
}

function fittingOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { type, properties, additionalProperties, items, anyOf, required = [] } = schema;
  if (Array.isArray(anyOf) && anyOf.length > 0) return fc.oneof(...anyOf.map(valueOf));
  if (Array.isArray(schema["enum"]) && schema["enum"].length > 0) return fc.constantFrom(...schema["enum"]);
  if ("const" in schema) return fc.constant(schema["const"]);
  if (schema["typeof"] === "function") return fc.constant(() => undefined);
  if (schema["duration"] === true)
    return fc.oneof(fc.nat(100_000), fc.constantFrom("5s", "10ms", "1h", "30m"));
  if (schema["size"] === true) return fc.oneof(fc.nat(1e9), fc.constantFrom("64KB", "16MB", "2 GiB"));
  if (type === "boolean") return fc.boolean();
  if (type === "integer" || type === "number") {
    const least = Number(schema["minimum"] ?? schema["exclusiveMinimum"] ?? 0);
    return fc.oneof(
      fc.nat(20).map((more) => least + more),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
  }
  if (type === "string")
    return fc.oneof(word, fc.constantFrom("memory:", "sqlite://x.db", "redis://h", "a-b"));
  if (type === "array" || items !== undefined) return fc.array(valueOf(items), { maxLength: 3 });
  if (typeof properties === "object" && properties !== null) {
    const model = Object.fromEntries(
      Object.entries(properties).map(([name, child]) => [name, valueOf(child)]),
    );
    const record = fc.record(model, {
      requiredKeys: Array.isArray(required)
        ? required.filter((name) => Object.hasOwn(model, name as string))
        : [],
    });
    const extra =
      additionalProperties === undefined
        ? fc.constant({})
        : fc.dictionary(key, valueOf(additionalProperties), { maxKeys: 2 });
    return fc.tuple(record, extra).map(([named, others]) => ({ ...others, ...named }));
  }
  if (additionalProperties !== undefined)
    return fc.dictionary(key, valueOf(additionalProperties), { maxKeys: 3 });
  return anyValue;
}

const types = fc.constantFrom("string", "number", "integer", "boolean", "object", "array", "null");
const rarely = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 60, arbitrary: usual as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: scalar });
const some = (model: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(Object.fromEntries(Object.entries(model).map(([keyword, said]) => [keyword, rarely(said)])), {
    requiredKeys: [],
  });
const limit = fc.constantFrom(0, 1, 5, 10, 3_600_000);
/** Tells a conversion that was not made from one that was. */
const check = fc.constant((value: unknown) =>
  JSON.stringify(value)?.includes("s") ? "has an s" : undefined,
);
const annotation = { description: fc.constant("Text."), default: scalar, secret: fc.boolean() };
/** Schemas of the keywords that are known, some of them wrong and some with another keyword. */
const anySchema = fc.letrec<{ schema: JsonSchema }>((tie) => {
  const child = tie("schema") as fc.Arbitrary<unknown>;
  return {
    schema: fc.oneof(
      { maxDepth: 3 },
      some({ ...annotation, duration: fc.constant(true), minimum: limit, maximum: limit, check }),
      some({ ...annotation, size: fc.constant(true), type: types, exclusiveMinimum: limit }),
      some({ ...annotation, type: types, minimum: limit, minLength: limit, minItems: limit, check }),
      some({
        type: fc.uniqueArray(types, { minLength: 1 }),
        maxLength: limit,
        pattern: fc.constantFrom("^a", "%$", "("),
      }),
      some({ enum: fc.array(scalar, { maxLength: 3 }), const: scalar, maxItems: limit }),
      some({ typeof: fc.constantFrom("function", "string"), format: fc.constant("date") }),
      some({ anyOf: fc.array(child, { maxLength: 3 }), type: types, ...annotation, check }),
      some({ type: types, items: child, minItems: limit, check }),
      some({
        type: fc.constant("object"),
        properties: fc.dictionary(key, child, { maxKeys: 4 }),
        additionalProperties: fc.oneof(fc.boolean(), child),
        required: fc.array(key, { maxLength: 2 }),
        items: child,
        check,
      }),
    ) as fc.Arbitrary<JsonSchema>,
  };
}).schema;
