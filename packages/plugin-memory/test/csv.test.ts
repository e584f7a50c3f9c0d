import { describe, expect, it } from "vitest";
import { optimizer, temporaryFile } from "./fixtures.js";

const read = async (content: string, name = "data.csv") =>
  optimizer().query(await temporaryFile(name, content), "SELECT * FROM data");
const typesOf = async (content: string) => {
  const { columns } = await optimizer().analyze(await temporaryFile("data.csv", content));
  return columns.map(({ name, type }) => `${name} ${type}`);
};

describe("CSV", () => {
  it.each<[title: string, content: string, rows: object[]]>([
    [
      "a comma in quotes",
      'first,address\nJohn,"120 any st., Anytown"\n',
      [{ first: "John", address: "120 any st., Anytown" }],
    ],
    [
      "empty fields",
      'a,b,c\n1,"",""\n2,3,4\n',
      [
        { a: 1, b: null, c: null },
        { a: 2, b: 3, c: 4 },
      ],
    ],
    [
      "empty fields and CR LF",
      'a,b,c\r\n1,"",""\r\n2,3,4\r\n',
      [
        { a: 1, b: null, c: null },
        { a: 2, b: 3, c: 4 },
      ],
    ],
    ["doubled quotes", 'a,b\n1,"ha ""ha"" ha"\n', [{ a: 1, b: 'ha "ha" ha' }]],
    [
      "JSON in a field",
      'key,val\n1,"{""type"": ""Point"", ""at"": [102.0, 0.5]}"\n',
      [{ key: 1, val: '{"type": "Point", "at": [102.0, 0.5]}' }],
    ],
    ["line breaks in quotes", 'a,b\n1,"Once upon \na time"\n', [{ a: 1, b: "Once upon \na time" }]],
    [
      "line breaks in quotes and CR LF",
      'a,b\r\n1,"Once upon \r\na time"\r\n',
      [{ a: 1, b: "Once upon \r\na time" }],
    ],
    ["no line break at the end", "a,b\n1,2", [{ a: 1, b: 2 }]],
    ["UTF-8", "a,b\n1,ʤ\n", [{ a: 1, b: "ʤ" }]],
    ["a byte order mark", "\ufeffa,b\n1,2\n", [{ a: 1, b: 2 }]],
    ["semicolons", "a;b\n1,5;2\n", [{ a: "1,5", b: 2 }]],
    ["tabs", "a\tb\n1\t2\n", [{ a: 1, b: 2 }]],
    ["a delimiter in a quoted name", '"a;b;c",d\n1,2\n', [{ "a;b;c": 1, d: 2 }]],
    ["a column of texts alone", "name\nBob\nAl\n", [{ name: "Bob" }, { name: "Al" }]],
    ["names twice", "a,a\n1,2\n", [{ a: 1, a_1: 2 }]],
    ["numbers as names", "1,2\n3,4\n", [{ "1": 3, "2": 4 }]],
    ["what looks like a comment", "a,b\n#1,2\n", [{ a: "#1", b: 2 }]],
  ])("reads %s", async (_, content, rows) => {
    expect(await read(content)).toEqual(rows);
  });

  it.each<[title: string, first: string, last: string, type: string]>([
    ["a decimal", "1", "2.5", "DOUBLE"],
    ["a text", "1", "x", "VARCHAR"],
    ["a code with zeros", "12", "007", "VARCHAR"],
    ["a code with zeros after decimals", "1.5", "007", "VARCHAR"],
    ["an integer beyond 64 bits", "1", "99999999999999999999", "DOUBLE"],
    ["a time after dates", "2001-01-01", "2001-01-01 10:30:00", "TIMESTAMP"],
    ["a word after dates", "2001-01-01", "unknown", "VARCHAR"],
    ["a number after booleans", "true", "2", "VARCHAR"],
    ["a blank around a number", "1", " 2 ", "BIGINT"],
  ])("types a column by all its values: %s in the last line", async (_, first, last, type) => {
    expect(await typesOf(`v\n${`${first}\n`.repeat(30_000)}${last}\n`)).toEqual([`v ${type}`]);
  });

  it("keeps quotes that first appear in the last line", async () => {
    const content = `a,b\n${"1,x\n".repeat(30_000)}2,"y, ""z"""\n`;
    const rows = await optimizer().query(
      await temporaryFile("q.csv", content),
      "SELECT b FROM data WHERE a = 2",
    );
    expect(rows).toEqual([{ b: 'y, "z"' }]);
  });

  it("leaves dates alone whose day and month could be either", async () => {
    expect(await typesOf("d\n01/02/2020\n13/02/2020\n")).toEqual(["d VARCHAR"]);
  });

  it.each<[title: string, content: string | Buffer, message: RegExp]>([
    [
      "a line with too few fields",
      "a,b\n1,2\n3\n",
      /Line: 3: Expected Number of Columns: 2 Found: 1\. Give every line as many fields/,
    ],
    ["a line with too many fields", "a,b\n1,2\n3,4,5\n", /Line: 3: Expected Number of Columns: 2 Found: 3/],
    ["too few fields far down", `a,b\n${"1,2\n".repeat(60_000)}3\n`, /Line: 60002: Expected/],
    [
      "a quote that is never closed",
      'a,b\n1,"x\n2,y\n',
      /Line: 2: Value with unterminated quote found\. Close every quote/,
    ],
    [
      "another encoding",
      Buffer.from("a,b\n1,caf\xe9\n", "latin1"),
      /not utf-8 encoded\. Convert the file to UTF-8/,
    ],
    ["line ends of two kinds", "a,b\r\n1,2\n3,4\r\n", /End all lines alike/],
    ["a line of megabytes", `a\n${"x".repeat(3_000_000)}\n`, /Maximum line size/],
  ])("refuses %s and says where", async (_, content, message) => {
    const file = await temporaryFile("bad.csv", content);
    const error = (await optimizer()
      .analyze(file)
      .catch((caught: unknown) => caught)) as Error;
    expect(error).toMatchObject({ name: "DataLoadError", message: expect.stringMatching(message) });
    expect(error.message).toContain(file);
    expect(error.message.length).toBeLessThan(600);
  });
});
