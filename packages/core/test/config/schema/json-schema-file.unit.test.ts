import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = fileURLToPath(new URL("../../../../../", import.meta.url));
const text = readFileSync(`${root}schema/mlmcp.schema.json`, "utf8");

it("schema/mlmcp.schema.json says what the plugins say; `pnpm docs:schema` writes it anew", async () => {
  const generator = `${root}scripts/lib/config-schema.mjs`;
  const { configSchemaText } = (await import(generator)) as {
    configSchemaText(root: string): Promise<string>;
  };
  expect(text).toBe(await configSchemaText(root));
});

describe("schema/mlmcp.schema.json", () => {
  const accepts = new Ajv({
    strict: true,
    strictTypes: false,
    allErrors: true,
    allowUnionTypes: true,
  }).compile(JSON.parse(text) as object);

  const pages = [
    "README.md",
    ...readdirSync(`${root}docs/guides`).map((name) => `docs/guides/${name}`),
    ...readdirSync(`${root}packages`).map((name) => `packages/${name}/README.md`),
  ];
  const samples = [
    ...pages.flatMap((page) =>
      [...readFileSync(root + page, "utf8").matchAll(/^```yaml\n(.*?)^```$/gms)].map(
        ([, yaml], index) => [`${page}, sample ${index + 1}`, parse(yaml!) as object] as const,
      ),
    ),
    ...["quickstart", "dataset-analyst"].map((name) => {
      const file = `examples/${name}/.mlmcprc.yaml`;
      return [file, parse(readFileSync(root + file, "utf8")) as object] as const;
    }),
  ];

  it.each(samples)("accepts the configuration of %s", (_, config) => {
    // The application's own section, which only `mlmcp config schema` there can know.
    const { drill: _drill, ...rest } = config as { drill?: object };
    expect(accepts(rest), JSON.stringify(accepts.errors, null, 1)).toBe(true);
  });

  it("refuses them with a key mistyped", () => {
    for (const [, config] of samples) {
      const [first] = Object.keys(config);
      expect(accepts({ ...config, [`${first}x`]: true })).toBe(false);
    }
    expect(samples.length).toBeGreaterThan(3);
    expect(accepts({ cache: { tll: "5m" } })).toBe(false);
    expect(accepts({ operations: { "A.b": { cached: { ttl: "5 minutes" } } } })).toBe(false);
  });

  it("describes every setting that a file can hold", () => {
    const { definitions } = JSON.parse(text) as { definitions: Record<string, { properties?: object }> };
    for (const [name, { properties = {} }] of Object.entries(definitions)) {
      if (!name.startsWith("section.")) continue;
      for (const [key, schema] of Object.entries(properties))
        expect(schema, `${name}.${key}`).toHaveProperty("description");
    }
  });
});
