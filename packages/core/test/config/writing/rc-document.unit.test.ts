import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { parseText } from "../../../src/config/sources/rc-parser.js";
import { openRcDocument } from "../../../src/config/writing/rc-document.js";
import { project } from "../project.js";

const folder = mkdtempSync(join(tmpdir(), "mlmcp-document-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function open(name: string, text: string) {
  const file = join(project({ [name]: text }), name);
  return { file, document: await openRcDocument(file) };
}

const edited = async (
  text: string,
  change: (document: Awaited<ReturnType<typeof openRcDocument>>) => unknown,
) => {
  const { document } = await open(".mlmcprc.yaml", text);
  change(document);
  return document.toString();
};

describe("an rc document", () => {
  it("keeps the comments, the blank lines and the quotes of what is not touched", async () => {
    const text = `# Settings of the report service.

plugins: ["@mlmcp/plugin-cache"] # first

cache:
  # Long enough for a night.
  ttl: 8h # hours
  store: 'memory:'

operations:
  "Report.load": { cached: { ttl: 5m } } # tuned
`;
    const after = await edited(text, (document) => {
      document.set(["cache", "ttl"], "5m");
      document.set(["operations", "Report.load", "timed"], false);
      document.set(["memory", "maxMemoryMb"], 512);
    });
    expect(after).toBe(
      text
        .replace("8h", "5m")
        .replace("{ cached: { ttl: 5m } }", "{ cached: { ttl: 5m }, timed: false }")
        .concat("memory:\n  maxMemoryMb: 512\n"),
    );
  });

  it("keeps the line ends of Windows", async () => {
    const text = "# Ours.\r\ncache:\r\n  ttl: 1\r\n  store:   x\r\n";
    expect(await edited(text, (document) => document.set(["cache", "ttl"], 2))).toBe(text.replace("1", "2"));
  });

  it("changes one place alone where others are its aliases or take it up by a merge key", async () => {
    const text = `base: &base\n  ttl: 1\n  io: &io { size: 2 }\ncache: *base\nmemory:\n  <<: *base\n  own: 3\nlast: *io\n`;
    const load = (yaml: string) => parseText("x.yaml", yaml).value;
    const base = { ttl: 1, io: { size: 2 } };
    expect(load(await edited(text, (document) => document.set(["base", "io", "size"], 9)))).toEqual({
      base: { ttl: 1, io: { size: 9 } },
      cache: base,
      memory: { ...base, own: 3 },
      last: { size: 2 },
    });
    expect(load(await edited(text, (document) => document.set(["memory", "io", "more"], 9)))).toEqual({
      base,
      cache: base,
      memory: { ttl: 1, io: { size: 2, more: 9 }, own: 3 },
      last: { size: 2 },
    });
    expect(load(await edited(text, (document) => document.unset(["cache", "ttl"])))).toEqual({
      base,
      cache: { io: { size: 2 } },
      memory: { ...base, own: 3 },
      last: { size: 2 },
    });
    expect(load(await edited(text, (document) => document.unset(["base"])))).toEqual({
      cache: base,
      memory: { ...base, own: 3 },
      last: { size: 2 },
    });
    expect(load(await edited(text, (document) => document.unset(["memory", "ttl"])))).toEqual({
      base,
      cache: base,
      memory: { io: { size: 2 }, own: 3 },
      last: { size: 2 },
    });
  });

  it("prunes the empty map at a path and those around it, but no element of a list", async () => {
    const pruned = (text: string, path: string[]) => edited(text, (document) => document.prune(path));
    expect(await pruned("a: { b: {} }\nc: {}\n", ["a", "b"])).toBe("c: {}\n");
    expect(await pruned("a: { b: {}, d: 1 }\n", ["a", "b"])).toBe("a: { d: 1 }\n");
    expect(await pruned('a: "# b"\nc: {}\n', ["c"])).toBe('a: "# b"\n');
    for (const [text, path] of [
      ["a: [{}, { b: 1 }]\n", ["a", "0"]],
      ["a: []\n", ["a"]],
      ["a: { b: 1 }\n", ["a"]],
      ["a: {} # why\n", ["a"]],
      ["a: {}\n", ["none"]],
    ] as const)
      expect(await pruned(text, [...path])).toBe(text);
  });

  it("keeps the indentation of JSON and the rest of a package.json", async () => {
    const { file, document } = await open(
      "package.json",
      '{\n\t"name": "app",\n\t"mlmcp": {\n\t\t"cache": {}\n\t}\n}',
    );
    document.set(["cache", "ttl"], "5m");
    expect(document.get(["cache", "ttl"])).toBe("5m");
    await document.save();
    expect(readFileSync(file, "utf8")).toBe(
      '{\n\t"name": "app",\n\t"mlmcp": {\n\t\t"cache": {\n\t\t\t"ttl": "5m"\n\t\t}\n\t}\n}',
    );
  });

  it("keeps JSON as JSON where the file's name does not say what it is", async () => {
    const { document } = await open(".mlmcprc", '{ "cache": { "ttl": 1 } }');
    document.set(["cache", "store"], "memory:");
    expect(JSON.parse(document.toString())).toEqual({ cache: { ttl: 1, store: "memory:" } });
  });

  it("has nothing to unset in a list but its elements", async () => {
    const { document } = await open(".mlmcprc.json", '{ "plugins": ["a", "b"] }');
    for (const key of ["length", "2", "-1", "x"]) expect(document.unset(["plugins", key])).toBe(false);
    expect(document.unset(["plugins", "0"])).toBe(true);
    expect(document.toString()).toBe('{ "plugins": ["b"] }');
  });

  it("gives values that no later change reaches", async () => {
    const { document } = await open(".mlmcprc.yaml", "cache: { tags: [a] }\n");
    const before = document.get([]);
    document.set(["cache", "tags", "1"], "b");
    document.unset(["cache", "tags", "0"]);
    expect(before).toEqual({ cache: { tags: ["a"] } });
  });

  it("is edited as YAML where only a parser of YAML takes it for JSON", async () => {
    const { document } = await open(".mlmcprc.json", '{ "cache": { "maxEntries": 1, }, }\n');
    document.set(["cache", "maxEntries"], 2);
    expect(parseText("rc.json", document.toString()).value).toEqual({ cache: { maxEntries: 2 } });
  });

  it.each([".mlmcprc.js", "mlmcp.config.ts", "mlmcp.config.mjs"])("refuses the program %s", async (name) => {
    await expect(open(name, "export default {}")).rejects.toMatchObject({
      code: "MLMCP_CONFIG_NOT_EDITABLE",
    });
  });

  it.each([
    ["a: [", "MLMCP_CONFIG_SYNTAX"],
    ["[1, 2]", "MLMCP_CONFIGURATION"],
    ["a: &a { b: *a }", "MLMCP_CONFIGURATION"],
  ])("refuses to open %s", async (text, code) => {
    await expect(open(".mlmcprc.yaml", text)).rejects.toMatchObject({ code });
  });

  it.each(["yaml", "json"])(
    "refuses in %s what a file cannot hold, and names in lists",
    async (extension) => {
      const { document } = await open(`.mlmcprc.${extension}`, '{ "plugins": ["a"] }');
      for (const value of [() => 1, Number.NaN, undefined, new Map(), [Symbol("s")]])
        expect(() => document.set(["cache"], value)).toThrow(/a file cannot hold/);
      expect(() => document.set(["plugins", "b"], true)).toThrow(
        /plugins is a list of 1, and "b" is no index/,
      );
      expect(() => document.set(["plugins", "2"], "c")).toThrow(/no index/);
      expect(() => document.set([], [])).toThrow(/expected a map/);
      document.set(["plugins", "1"], "b");
      document.unset(["plugins", "0"]);
      expect(document.get([])).toEqual({ plugins: ["b"] });
      document.set([], { cache: {} });
      expect(document.get([])).toEqual({ cache: {} });
    },
  );

  it("reads back what any series of changes comes to", async () => {
    const key = fc.constantFrom("a", "b", "c", "1", "x.y", "Some: key", "<", "yes", "#", "", " lead", "ünï");
    const leaf = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\uD800-\uDFFF\p{Cc}]/gu, "")),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      fc.boolean(),
      fc.constantFrom(null, "5m", "1e3", "0x10", "~", "true", "- a", "secret://x/y", "${X:-1}", "a\n  b\n"),
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.dictionary(key, tie("any"), { maxKeys: 4 }),
        fc.array(leaf),
      ),
    })).any;
    const root = fc.dictionary(key, value, { maxKeys: 4 });
    const change = fc.record({
      path: fc.array(key, { minLength: 1, maxLength: 4 }),
      value: fc.option(value, { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(
        root,
        fc.array(change, { maxLength: 6 }),
        fc.constantFrom("x.yaml", "x.json", "package.json"),
        async (start, changes, name) => {
          const file = join(folder, name);
          writeFileSync(file, "{}");
          const document = await openRcDocument(file);
          document.set([], start);
          await document.save();
          const expected = structuredClone(start) as Record<string, unknown>;
          const again = await openRcDocument(file);
          for (const { path, value: to } of changes) {
            try {
              if (to === undefined) again.unset(path);
              else again.set(path, to);
            } catch (error) {
              expect(error).toMatchObject({ code: "MLMCP_CONFIG_PATH" });
              continue;
            }
            apply(expected, path, to);
          }
          await again.save();
          expect((await openRcDocument(file)).get([])).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("writes the same values for any text with comments, anchors and merges", async () => {
    const text = (a: number) => `# head

base: &base # b
  # in
  x: ${a}
  l: [1, &two 2]

c: *base
d:
  <<: [{ q: 1 }, *base]
  x: 5 # five
e: *two
`;
    const paths = [
      ["base", "x"],
      ["base", "l", "1"],
      ["c", "x"],
      ["c", "l", "0"],
      ["d", "q"],
      ["d", "l", "1"],
      ["d", "x"],
      ["e"],
      ["base"],
      ["c"],
      ["d"],
      ["base", "l"],
      ["d", "n", "m"],
      ["c", "n"],
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...paths), fc.constantFrom(7, "t", undefined, { z: 1 })), {
          maxLength: 5,
        }),
        async (changes) => {
          const file = join(folder, "anchors.yaml");
          writeFileSync(file, text(3));
          const document = await openRcDocument(file);
          const expected = structuredClone(document.get([])) as Record<string, unknown>;
          const own = JSON.parse(JSON.stringify(expected)) as Record<string, unknown>;
          for (const [path, to] of changes) {
            try {
              if (to === undefined) document.unset(path);
              else document.set(path, to);
            } catch (error) {
              expect(error).toMatchObject({ code: "MLMCP_CONFIG_PATH" });
              continue;
            }
            apply(own, path, to);
          }
          expect(parseText(file, document.toString()).value).toEqual(own);
          expect(document.toString()).toContain("# head");
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** What a change means for plain values. */
function apply(target: any, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length > 0) {
    const inner = Object.hasOwn(target, key) ? target[key] : undefined;
    const present = typeof inner === "object" && inner !== null;
    if (!present && value === undefined) return;
    if (!present) target[key] = {};
    apply(target[key], rest, value);
  } else if (value !== undefined) target[key] = structuredClone(value);
  else if (Array.isArray(target)) {
    if (/^\d+$/.test(key) && Number(key) < target.length) target.splice(Number(key), 1);
  } else delete target[key];
}
