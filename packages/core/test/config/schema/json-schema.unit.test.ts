import { Ajv } from "ajv";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSources, resolveConfig, type JsonSchema, type KnownSchemas } from "@mlmcp/core";
import { configSchema } from "../../../src/config/schema/json-schema.js";
import { isPlainObject } from "../../../src/config/plain.js";
import { known as projectKnown, project } from "../project.js";

/** Something of everything that a section's schema may hold. */
const lab: JsonSchema = {
  description: "What the laboratory does.",
  type: "object",
  properties: {
    text: { description: "Any words.", type: "string", default: "none" },
    code: { type: "string", pattern: "^[a-z]+$", secret: true },
    mode: { enum: ["fast", "safe"], default: "safe" },
    share: { type: "number", exclusiveMinimum: 0, maximum: 1 },
    on: { type: "boolean", requiredWhen: "code" },
    wait: { duration: true, maximum: 60_000, default: "5s" },
    room: { size: true },
    jobs: { anyOf: [{ type: "integer", minimum: 1 }, { const: -1 }] },
    steps: { type: "array", minItems: 1, items: { duration: true } },
    callback: { typeof: "function" },
    filter: { anyOf: [{ typeof: "function" }, { type: "string", minLength: 1 }] },
    limits: { type: "object", additionalProperties: { type: "integer" } },
    target: {
      oneOf: [
        { type: "object", properties: { url: { type: "string" } }, required: ["url"] },
        { type: "object", properties: { file: { type: "string" } }, required: ["file"] },
      ],
    },
    peers: {
      type: "array",
      items: {
        type: "object",
        properties: { name: { type: "string" }, port: { type: "integer", default: 80 } },
        required: ["name", "port"],
      },
    },
    tree: { $ref: "#/$defs/node" },
  },
  required: ["text", "share"],
  $defs: {
    node: {
      type: "object",
      properties: { label: { type: "string" }, below: { type: "array", items: { $ref: "#/$defs/node" } } },
    },
  },
};

const known: KnownSchemas = {
  ...projectKnown,
  sections: [...projectKnown.sections, { name: "lab", schema: lab, plugin: "@acme/lab" }],
  advice: [
    ...projectKnown.advice,
    { name: "audited", schema: { type: "object" } },
    {
      name: "when",
      schema: {
        type: "object",
        properties: { at: { duration: true }, only: { typeof: "function" } },
        required: ["at"],
      },
    },
  ],
};

const accepts = new Ajv({ strict: true, strictTypes: false, allErrors: true, allowUnionTypes: true }).compile(
  configSchema(known),
);

/** Whether it can be loaded in every environment that it has a profile for, and without one. */
async function loads(config: { profiles?: object }): Promise<boolean> {
  const cwd = project({ ".mlmcprc.json": JSON.stringify(config) });
  try {
    for (const environment of ["", ...Object.keys(config.profiles ?? {})]) {
      const env = { NAME: "name", MLMCP_SYSTEM_ENVIRONMENT: environment };
      await resolveConfig(await readSources({ cwd, env }), known);
    }
    return true;
  } catch {
    return false;
  }
}

const valid: object[] = [
  {},
  { $schema: "./schema.json" },
  { plugins: ["@mlmcp/plugin-cache", "./mine.js"], app: "./dist/app.js" },
  { plugins: { "@mlmcp/plugin-cache": { ttl: "5m" }, "./other.js": false } },
  { system: { environment: "staging", stopTimeout: "1.5 s" }, performance: { nJobs: -1 } },
  { profiles: { production: { cache: { ttl: 5 }, operations: { "A.*": { cached: "1m" } } } } },
  { lab: { share: 0.5, wait: "60s", room: "1 KiB", jobs: 4, steps: [1, "2ms"], filter: "a", mode: "fast" } },
  { lab: { share: 1, target: { url: "x" }, limits: { any: 3 }, peers: [{ name: "a" }] } },
  { lab: { share: 1, tree: { label: "a", below: [{ below: [{ label: "c" }] }] } } },
  {
    operations: { "A.b": { cached: { grace: { period: "1s" } }, retry: 3, timed: false, order: ["retry"] } },
  },
  { operations: { "A.*": { when: {}, audited: {}, retry: { maxRetries: 0 } }, "*": { timed: true } } },
];

const wrong: Array<[what: string, config: object]> = [
  ["a section that nobody has", { cahce: {} }],
  ["a key that its section does not have", { cache: { tll: "5m" } }],
  ["a key deeper down", { cache: { remote: { poolsize: 3 } } }],
  ["a key in an element of a list", { lab: { share: 1, peers: [{ name: "a", prt: 1 }] } }],
  ["what an element must have", { lab: { share: 1, peers: [{ port: 1 }] } }],
  ["a key in what refers to itself", { lab: { share: 1, tree: { below: [{ lable: "x" }] } } }],
  ["a value of another type", { cache: { maxEntries: "many" } }],
  ["a value that is not on the list", { lab: { share: 1, mode: "fats" } }],
  ["a value out of bounds", { lab: { share: 2 } }],
  ["a number out of bounds for a duration", { lab: { share: 1, wait: 60_001 } }],
  ["a duration without a known unit", { cache: { ttl: "5 minutes" } }],
  ["a size without a known unit", { lab: { share: 1, room: "5 lots" } }],
  ["a function's place", { lab: { share: 1, callback: "x" } }],
  ["advice that nobody has", { operations: { "A.b": { cahced: true } } }],
  ["an option that its advice does not have", { operations: { "A.b": { cached: { tll: 1 } } } }],
  ["options of advice without any", { operations: { "A.b": { audited: { loud: true } } } }],
  ["a shorthand of another type", { operations: { "A.b": { retry: "often" } } }],
  ["advice in an order that nobody has", { operations: { "A.b": { order: ["retyr"] } } }],
  ["options of a plugin that its section does not have", { plugins: { "@mlmcp/plugin-cache": { tll: 1 } } }],
  ["plugins that are no names", { plugins: [1] }],
  ["a section in a profile that nobody has", { profiles: { production: { cahce: {} } } }],
  ["a profile in a profile", { profiles: { production: { profiles: {} } } }],
];

describe("the schema for editors", () => {
  it.each(valid.map((config) => [JSON.stringify(config), config]))("accepts %s", async (_, config) => {
    expect(accepts(config), JSON.stringify(accepts.errors, null, 1)).toBe(true);
  });

  it.each(wrong)("refuses %s, as the loader does", async (_, config) => {
    expect(accepts(config)).toBe(false);
    expect(await loads(config)).toBe(false);
  });

  it("accepts a reference in place of every value", () => {
    for (const value of ["${NAME}", "${NAME:-5m}", "secret://vault/a/b", "http://${HOST}:80"]) {
      const settings = { code: value, mode: value, share: value, on: value, wait: value, room: value };
      const inside = { jobs: value, steps: [value], limits: { a: value } };
      expect(accepts({ lab: { ...settings, ...inside } })).toBe(true);
      expect(accepts({ operations: { "A.b": { cached: { ttl: value }, retry: value } } })).toBe(true);
    }
    expect(accepts({ lab: { share: "$NAME" } })).toBe(false);
  });

  it("accepts everything that the loader accepts", async () => {
    let loaded = 0;
    const property = fc.asyncProperty(configuration, async (config) => {
      if (!(await loads(config))) return;
      loaded++;
      expect(accepts(config), JSON.stringify([config, accepts.errors], null, 1)).toBe(true);
    });
    await fc.assert(property, { numRuns: 300 });
    // About a third can be loaded; far fewer would mean that the property says little.
    expect(loaded).toBeGreaterThan(50);
  });

  it("refuses a configuration with one key mistyped, as the loader does", async () => {
    const property = fc.asyncProperty(configuration, fc.nat(), async (config, choice) => {
      fc.pre(accepts(config));
      const mistyped = mistype(config, choice);
      fc.pre(mistyped !== undefined);
      expect(accepts(mistyped)).toBe(false);
      expect(await loads(mistyped as object)).toBe(false);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  it("keeps descriptions and defaults, and none of our own keywords", () => {
    const schema = configSchema(known);
    const text = JSON.stringify(schema);
    expect(text).toContain("What the laboratory does.");
    expect(schema).toMatchObject({
      $schema: "http://json-schema.org/draft-07/schema#",
      definitions: {
        "section.lab": {
          additionalProperties: false,
          properties: {
            text: { description: "Any words.", default: "none" },
            wait: { default: "5s", anyOf: [{ type: "number", minimum: 0, maximum: 60_000 }, {}, {}] },
          },
        },
      },
    });
    for (const keyword of ["duration", "size", "typeof", "secret", "requiredWhen", "callback"])
      expect(text).not.toContain(`"${keyword}":`);
  });

  it("does not change the schemas that it is made of", () => {
    const before = JSON.stringify(known);
    configSchema(known);
    expect(JSON.stringify(known)).toBe(before);
  });
});

const duration = fc.oneof(
  fc.nat(1e9),
  fc.tuple(fc.nat(20), fc.constantFrom("", "ms", "s", " m", "h", "d")).map((parts) => parts.join("")),
);
const size = fc.oneof(
  fc.nat(),
  fc.tuple(fc.nat(1e6), fc.constantFrom("", "B", " KB", "mb", "GiB")).map((parts) => parts.join("")),
);
/** Now and then something that need not be valid. */
const mostly = (usual: fc.Arbitrary<unknown>, other: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: other });
const some = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { requiredKeys: [] });
const node = fc.letrec((tie) => ({
  node: some({ label: fc.string(), below: fc.array(tie("node"), { maxLength: 2 }) }),
})).node;
const options = some<Record<string, unknown>>({
  cached: fc.oneof(fc.boolean(), duration, some({ ttl: duration, namespace: fc.string() })),
  retry: fc.oneof(fc.boolean(), fc.nat(), some({ maxRetries: fc.nat() })),
  when: fc.oneof(fc.boolean(), some({ at: duration })),
  order: fc.uniqueArray(fc.constantFrom("cached", "retry", "timed")),
});
const sections = {
  system: some({ debug: fc.boolean(), stopTimeout: duration }),
  cache: some<Record<string, unknown>>({
    ttl: duration,
    store: fc.string(),
    maxEntries: fc.integer({ min: 1 }),
    tags: fc.array(fc.string()),
    remote: some({ url: fc.string(), poolSize: fc.integer() }),
  }),
  lab: fc.record<Record<string, unknown>>(
    {
      share: mostly(fc.double({ min: 0.01, max: 1, noNaN: true }), fc.constantFrom(0, 2, "all")),
      mode: mostly(fc.constantFrom("fast", "safe", "${NOTHING:-safe}"), fc.constant("other")),
      code: mostly(fc.constantFrom("abc", "${NAME}"), fc.string()),
      wait: mostly(fc.constantFrom(0, "5ms", "1.5 s", "60s"), duration),
      room: size,
      jobs: mostly(fc.integer({ min: 1 }), fc.integer({ max: 0 })),
      steps: fc.array(duration, { minLength: 1 }),
      filter: fc.string({ minLength: 1 }),
      limits: fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3 }),
      target: mostly(fc.record({ url: fc.string() }), fc.record({ file: fc.string() })),
      peers: fc.array(fc.record({ name: fc.string(), port: fc.nat() }, { requiredKeys: ["name"] })),
      tree: node,
    },
    { requiredKeys: ["share"] },
  ),
  operations: fc.dictionary(fc.constantFrom("A.b", "A.*", "*"), options),
};
const configuration: fc.Arbitrary<object> = fc.record<Record<string, unknown>>(
  {
    ...sections,
    plugins: fc.oneof(
      fc.array(fc.constantFrom("@mlmcp/plugin-cache", "./a.js")),
      fc.dictionary(fc.constantFrom("./a.js", "./b.js"), fc.boolean()),
    ),
    profiles: fc.dictionary(fc.constantFrom("production", "test"), some<Record<string, unknown>>(sections)),
  },
  // It has a key without a default that must be somewhere.
  { requiredKeys: ["lab"] },
);

/** One key of an object with a letter too many, where its schema names the keys; they begin at section level. */
function mistype(config: object, choice: number): object | undefined {
  const places: string[][] = [];
  const visit = (value: unknown, path: string[]): void => {
    if (!isPlainObject(value)) return;
    for (const [key, child] of Object.entries(value)) {
      const here = [...path, key];
      const free = ["plugins", "operations", "limits"].includes(path.at(-1) ?? "");
      if (!free && !path.includes("profiles") && !["target"].includes(path.at(-1) ?? "")) places.push(here);
      if (key !== "profiles") visit(child, here);
    }
  };
  visit(config, []);
  const place = places[choice % Math.max(1, places.length)];
  if (place === undefined) return undefined;
  const copy = structuredClone(config) as Record<string, unknown>;
  const parent = place.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, copy);
  const key = place.at(-1)!;
  parent[`${key}x`] = parent[key];
  delete parent[key];
  return copy;
}
