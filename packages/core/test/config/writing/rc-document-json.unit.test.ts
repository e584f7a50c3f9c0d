import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openRcDocument, type RcDocument } from "../../../src/config/writing/rc-document.js";
import { project } from "../project.js";

const edited = async (
  text: string,
  change: (document: RcDocument) => unknown,
  name = ".mlmcprc.json",
): Promise<string> => {
  const document = await openRcDocument(join(project({ [name]: text }), name));
  change(document);
  return document.toString();
};

describe("an edit of JSON", () => {
  it("leaves numbers as they are written, also those that JavaScript cannot hold", async () => {
    const text = `{
  "app": "./a.js",
  "cache": { "ttl": 1.0, "maxEntries": 12345678901234567890, "limits": {"a":1e400,  "b": -0, "c": 1E+2} },
  "memory": {
    "maxMemoryMb": 1
  }
}
`;
    const after = await edited(text, (document) => {
      document.set(["memory", "maxMemoryMb"], 2);
      document.set(["cache", "ttl"], "5m");
      document.set(["memory", "io"], { bufferSize: "64KB" });
      document.unset(["app"]);
    });
    expect(after).toBe(
      text
        .replace('  "app": "./a.js",\n', "")
        .replace("1.0", '"5m"')
        .replace('"maxMemoryMb": 1', '"maxMemoryMb": 2,\n    "io": {\n      "bufferSize": "64KB"\n    }'),
    );
  });

  it.each([
    [
      "four spaces",
      '{\n    "a": {\n        "b": 1\n    }\n}\n',
      '{\n    "a": {\n        "b": 1,\n        "c": 2\n    }\n}\n',
    ],
    ["tabs", '{\n\t"a": {\n\t\t"b": 1\n\t}\n}', '{\n\t"a": {\n\t\t"b": 1,\n\t\t"c": 2\n\t}\n}'],
    [
      "a byte order mark",
      '\uFEFF{\n  "a": {\n    "b": 1\n  }\n}\n',
      '\uFEFF{\n  "a": {\n    "b": 1,\n    "c": 2\n  }\n}\n',
    ],
    [
      "the line ends of Windows",
      '{\r\n  "a": {\r\n    "b": 1\r\n  }\r\n}\r\n',
      '{\r\n  "a": {\r\n    "b": 1,\r\n    "c": 2\r\n  }\r\n}\r\n',
    ],
    ["no line at the end", '{\n  "a": {}\n}', '{\n  "a": {\n    "c": 2\n  }\n}'],
    ["nothing", "", '{\n  "a": {\n    "c": 2\n  }\n}\n'],
    ["null", "null\n", '{\n  "a": {\n    "c": 2\n  }\n}\n'],
  ])("keeps %s", async (_, text, after) => {
    expect(await edited(text, (document) => document.set(["a", "c"], 2))).toBe(after);
  });

  it("keeps the rest of a package.json to the letter", async () => {
    const text =
      '{\n  "name": "app",\n  "version": "1.0.0", "keywords": [ "a","b" ],\n  "x": {"y":1.50}\n}\n';
    const after = await edited(text, (document) => document.set(["cache", "ttl"], 1), "package.json");
    expect(after).toBe(
      text.replace('{"y":1.50}\n', '{"y":1.50},\n  "mlmcp": {\n    "cache": {\n      "ttl": 1\n    }\n  }\n'),
    );
    const without = await edited(after, (document) => document.unset([]), "package.json");
    expect(without).toBe(text);
  });

  it("puts a map in the place of what is none", async () => {
    const after = await edited('{ "a": null, "b": [1, "x"] }', (document) => {
      document.set(["a", "b", "c"], 1);
      document.set(["b", "1", "d"], 2);
      document.set(["b", "2"], 3);
    });
    expect(JSON.parse(after)).toEqual({ a: { b: { c: 1 } }, b: [1, { d: 2 }, 3] });
  });

  it("takes keys that mean something elsewhere", async () => {
    const keys = ["__proto__", "constructor", "<<", "", "0", "a.b", '"', "ü\u2028"];
    const after = await edited("{}", (document) => {
      for (const [index, key] of keys.entries()) document.set(["m", key], index);
    });
    expect(Object.entries((JSON.parse(after) as { m: object }).m).toSorted((a, b) => a[1] - b[1])).toEqual(
      keys.map((key, index) => [key, index]),
    );
  });

  it("still refuses comments before anything is edited", async () => {
    await expect(edited('{\n  // why\n  "a": 1\n}', () => undefined)).rejects.toMatchObject({
      code: "MLMCP_CONFIG_SYNTAX",
      message: expect.stringContaining("JSON has no comments"),
    });
  });

  it("changes nothing but what is edited, whatever stands around it", async () => {
    const folder = project();
    const number = fc.constantFrom("1.0", "12345678901234567890", "1e400", "-0", "0.10", "1E5");
    const space = fc.constantFrom("", " ", "\n", "\r\n  ", "\t", "\n\n    ");
    // Text for what must stay, which `JSON.stringify` would write anew.
    const others = fc.array(fc.tuple(number, space, space), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(others, fc.nat(5), fc.json(), async (members, at, to) => {
        const written = (values: readonly string[]) =>
          `{${members.map(([, before, after], index) => `${before}"k${index}"${after}:${before}${values[index]}${after}`).join(",")}}`;
        const values: readonly string[] = members.map(([text]) => text);
        const index = at % members.length;
        const file = join(folder, "rc.json");
        writeFileSync(file, written(values));
        const document = await openRcDocument(file);
        const value = JSON.parse(to) as unknown;
        document.set([`k${index}`], value);
        const after = document.toString();
        const [head, tail] = written(values.with(index, "@")).split("@") as [string, string];
        expect([after.slice(0, head.length), after.slice(after.length - tail.length)]).toEqual([head, tail]);
        const between = after.slice(head.length, after.length - tail.length);
        expect(JSON.stringify(JSON.parse(between))).toEqual(JSON.stringify(value));
      }),
      { numRuns: 300 },
    );
  });
});
