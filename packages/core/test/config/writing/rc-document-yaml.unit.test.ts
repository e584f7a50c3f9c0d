import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseText, type ParseText } from "../../../src/config/sources/rc-parser.js";
import { openRcDocument, type RcDocument } from "../../../src/config/writing/rc-document.js";
import { project } from "../project.js";

async function open(text: string): Promise<RcDocument> {
  return openRcDocument(join(project({ ".mlmcprc.yaml": text }), ".mlmcprc.yaml"));
}

const edited = async (text: string, change: (document: RcDocument) => unknown): Promise<string> => {
  const document = await open(text);
  change(document);
  return document.toString();
};

describe("an edit of YAML", () => {
  it("leaves each line that it does not touch its own end", async () => {
    const text = "# Ours.\r\ncache:\n  ttl: 1\r\n  store:   x\nmemory:\r\n  maxMemoryMb: 1 # MB\n";
    const after = await edited(text, (document) => {
      document.set(["memory", "maxMemoryMb"], 2);
      document.set(["cache", "ttl"], 3);
      document.set(["cache", "adaptive"], true);
      document.set(["validation", "strictMode"], true);
    });
    expect(after).toBe(
      "# Ours.\r\ncache:\n  ttl: 3\r\n  store:   x\n  adaptive: true\nmemory:\r\n  maxMemoryMb: 2 # MB\nvalidation:\n  strictMode: true\n",
    );
    expect(await edited(text, (document) => document.unset(["cache", "store"]))).toBe(
      text.replace("  store:   x\n", ""),
    );
  });

  it("leaves lines alone that the printer would join or break", async () => {
    const text = `folded: >-
  one
  two

# before
flow: { a: [1,
    2],   b: 1 }


cache:
  ttl: 1
  tags: [ x,
          y ]   # after
text:  |
  a
`;
    const after = await edited(text, (document) => {
      document.set(["cache", "ttl"], 2);
      document.set(["cache", "store"], "x");
    });
    expect(after).toBe(text.replace("ttl: 1", "ttl: 2").replace("# after\n", "# after\n  store: x\n"));
    expect(await edited(text, (document) => document.unset(["cache", "ttl"]))).toBe(
      text.replace("  ttl: 1\n", ""),
    );
    expect(await edited(text, (document) => document.unset(["folded"]))).toBe(
      text.replace(/^[^]*?(?=\n# before)/, ""),
    );
  });

  it.each([
    ["an indentation of its own", "other:\n    a: 1\n    b:\n        - 1\n"],
    [
      "what the printer writes otherwise",
      'other:\n  ? a\n  : "\\u0041 \\\n    b"\n  c: { d: 1,e: [ 2,\n     3] }\n',
    ],
    ["a comment behind the document's start", "--- # one\nother: [1,2]   # two\n"],
  ])("leaves every other section as it is written, with %s", async (_, other) => {
    const before = `${other}\n# why\ncache:\n  ttl:   1 # at first\n`;
    const after = "# then\n\nflow: {a: 1}\napp: x   # where\n...\n";
    const edits = (document: RcDocument) => {
      document.set(["cache", "store", "path"], "x");
      document.set(["cache", "ttl"], 2);
      document.unset(["cache", "store", "path"]);
      document.set(["app"], "y");
    };
    expect(await edited(`${before}${after}`, edits)).toBe(
      `${before.replace("ttl:   1", "ttl: 2")}  store: {}\n${after.replace("x   #", "y #")}`,
    );
  });

  it("keeps the line ends where lines are printed anew", async () => {
    const text = "# one\r\na: [1,\r\n  2]\nb: 1\n# two\r\nc: 1\r\n";
    expect(await edited(text, (document) => document.set(["a", "1"], 3))).toBe(
      "# one\r\na: [ 1, 3 ]\r\nb: 1\n# two\r\nc: 1\r\n",
    );
  });

  it.each([
    ["no line at the end", "a: 1 # x\nb:   1", "a: 2 # x\nb:   1"],
    ["a byte order mark", "\uFEFFa: 1\nb: 1\n", "\uFEFFa: 2\nb: 1\n"],
    ["what follows the document's start", "---\na:   1\nb:   1\n", "---\na: 2\nb:   1\n"],
    ["comments alone", "# nothing yet\n", "# nothing yet\n\na: 2\n"],
  ])("keeps %s", async (_, text, after) => {
    expect(await edited(text, (document) => document.set(["a"], 2))).toBe(after);
  });

  it("keeps all lines where the printer takes a blank one away and adds another", async () => {
    const text = "\nbase: &base { ttl: 1, io: [1, 2] }\n1: one\nm:\n  <<: *base\n  own: 'x'\n# why\n";
    expect(await edited(text, (document) => document.unset(["1"]))).toBe(text.replace("1: one\n", ""));
  });

  it("reads what comes of it once, and nothing where a value is there already", async () => {
    const read: string[] = [];
    const parse: ParseText = (file, text) => {
      read.push(text);
      return parseText(file, text);
    };
    const text = "# why\na: 1\nb:\n  c:   2 # as it was\n";
    const document = await openRcDocument(join(project({ ".mlmcprc.yaml": text }), ".mlmcprc.yaml"), parse);
    document.set(["b", "c"], 2);
    expect([document.toString(), read]).toEqual([text, [text]]);
    document.set(["b", "c"], 3);
    const changed = text.replace("  2", "  3").replace("c:   ", "c: ");
    expect([document.toString(), read]).toEqual([changed, [text, changed]]);
  });

  it("keeps the spaces of lines between two edits", async () => {
    const text = "a: 1\nb:    1    # wide\nc: 1\n";
    const after = await edited(text, (document) => {
      document.set(["a"], 2);
      document.set(["c"], 2);
    });
    expect(after).toBe("a: 2\nb:    1    # wide\nc: 2\n");
  });

  const keys = ["<<", "null", "~", "true", "no", "1", "0x1", "1e3", ".inf", "", "? ", "- ", "-", "?", ": "];
  it.each([
    ...keys,
    "#",
    "&a",
    "*a",
    "!t",
    "|",
    ">",
    "%",
    "@",
    "`",
    "'",
    '"',
    "[",
    "{",
    "a: b",
    "a #b",
    "\n",
    "\t",
  ])("writes the key %j so that it is read as that", async (key) => {
    const load = async (change: (document: RcDocument) => unknown) =>
      parseText("rc.yaml", await edited("x: &x { y: 1 }\n", change)).value;
    const x = { y: 1 };
    expect(await load((document) => document.set([key], { y: 2 }))).toEqual({ x, [key]: { y: 2 } });
    expect(await load((document) => document.set(["a", key, "b"], 2))).toEqual({ x, a: { [key]: { b: 2 } } });
    expect(await load((document) => document.set(["a"], { [key]: { y: 2 }, z: [{ [key]: 1 }] }))).toEqual({
      x,
      a: { [key]: { y: 2 }, z: [{ [key]: 1 }] },
    });
    const both = await load((document) => {
      document.set([key], { y: 2 });
      document.set(["x", "y"], 3);
      expect(document.unset([key])).toBe(true);
    });
    expect(both).toEqual({ x: { y: 3 } });
  });

  it("is not made where the file would say something else, and nothing is written", async () => {
    const text = "cache: { ttl: 1 }\n";
    const document = await open(text);
    const edit = () => document.set(["cache", ...Array<string>(300).fill("deep")], 1);
    expect(edit).toThrow(expect.objectContaining({ code: "MLMCP_CONFIG_EDIT" }) as Error);
    expect(edit).toThrow(/^cache\.deep.* cannot be edited in .*\.mlmcprc\.yaml: .*edit the file by hand/s);
    expect([document.toString(), document.get([])]).toEqual([text, { cache: { ttl: 1 } }]);
    await document.save();
    expect(readFileSync(document.file, "utf8")).toBe(text);
  });

  it("says what was meant, or is refused: any keys and values in any text", async () => {
    const file = join(project(), "rc.yaml");
    const line = fc.constantFrom(
      "base: &base { ttl: 1, io: &io [1, 2] }",
      "m:\n  <<: *base\n  own: 'x'",
      "other: *io",
      "text: |\n  a\n   b\n",
      "folded: >-\n  a\n  b",
      "# why",
      "",
      '"<<": { quoted: 1 }',
      "? [a, b]\n: c",
      "~: nothing",
      "1: one",
      "list:\n- a\n# in\n-   b: 1 # end",
      "flow: { a: 1,\n  b: [x,\n y] }",
      "end: !!str 5",
    );
    const end = fc.constantFrom("\n", "\r\n");
    const key = fc.oneof(
      fc.constantFrom(
        "base",
        "m",
        "list",
        "flow",
        "text",
        "io",
        "ttl",
        "own",
        "a",
        "b",
        "0",
        "1",
        "2",
        "quoted",
      ),
      fc.constantFrom(...keys, "[ a, b ]", "__proto__", "end"),
      fc.string({ unit: "grapheme", maxLength: 5 }),
    );
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.string({ unit: "binary", maxLength: 12 }),
      fc.dictionary(key, fc.constantFrom(1, "<<", " x\n y", "a\r\nb", "\t", "# no", "é\u0085\u2028")),
    );
    const change = fc.tuple(
      fc.array(key, { minLength: 1, maxLength: 3 }),
      fc.option(value, { nil: undefined }),
    );
    const counts = { done: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(line, end), { maxLength: 6, selector: ([text]) => text }),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        async (lines, changes) => {
          const text = lines.map(([one, ending]) => `${one}\n`.replaceAll("\n", ending)).join("");
          writeFileSync(file, text);
          const document = await openRcDocument(file).catch(() => undefined);
          fc.pre(document !== undefined);
          for (const [path, to] of changes) {
            const before = [document!.toString(), document!.get([])];
            try {
              if (to === undefined) document!.unset(path);
              else document!.set(path, to);
              counts.done++;
            } catch (error) {
              counts.refused++;
              expect(["MLMCP_CONFIG_PATH", "MLMCP_CONFIG_EDIT"]).toContain((error as { code?: string }).code);
              expect([document!.toString(), document!.get([])]).toEqual(before);
            }
            expect(parseText(file, document!.toString()).value ?? {}).toEqual(document!.get([]));
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(counts.done).toBeGreaterThan(counts.refused * 5);
  });
});
