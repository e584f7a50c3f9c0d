import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { optimizer, parquetFile, temporaryDirectory, temporaryFile } from "./fixtures.js";

describe("a path", () => {
  it.each([
    "it's.csv",
    'say "x".csv',
    "x*y.csv",
    "x?y.csv",
    "x[ab]y.csv",
    "{a,b}.csv",
    "a b%20.csv",
    "$1.csv",
    "back\\slash.csv",
    "**",
  ])("is taken literally: %s", async (name) => {
    const directory = await temporaryDirectory();
    // What patterns in the name would match as well.
    for (const other of ["xzy.csv", "xay.csv", "a.csv", "b.csv", "1.csv"])
      await writeFile(join(directory, other), "v\n9\n");
    await writeFile(join(directory, name), "v\n1\n");
    const memory = optimizer();
    expect(await memory.query(join(directory, name), "SELECT * FROM data")).toEqual([{ v: 1 }]);
    expect((await memory.analyze(join(directory, name))).rows).toBe(1);
  });

  it("adds no columns, whatever its directories are called", async () => {
    const file = await temporaryFile("year=2001/data.csv", "v\n1\n");
    expect(await optimizer().query(file, "SELECT * FROM data")).toEqual([{ v: 1 }]);
  });

  it("may be relative", async () => {
    const file = await temporaryFile("data.csv", "v\n1\n");
    expect((await optimizer().analyze(relative(process.cwd(), file))).rows).toBe(1);
  });

  it("is read by what is in the file, not by its name", async () => {
    const { rename } = await import("node:fs/promises");
    const file = await parquetFile("SELECT 1 AS v");
    await rename(file, `${file}.dat`);
    expect(await optimizer().analyze(`${file}.dat`)).toMatchObject({ format: "parquet", rows: 1 });
  });
});

describe("a file that cannot be read", () => {
  const failure = (file: string) =>
    optimizer()
      .analyze(file)
      .catch((caught: unknown) => caught);

  it("is reported where it does not exist, with the path that was tried", async () => {
    expect(await failure("no/such.csv")).toMatchObject({
      name: "DataLoadError",
      code: "MLMCP_DATA_MISSING",
      message: `no/such.csv (${join(process.cwd(), "no/such.csv")}) does not exist. Check the path; a relative one starts in the process's working directory.`,
      context: { file: "no/such.csv" },
    });
  });

  it("is reported where it is a directory", async () => {
    expect(await failure(await temporaryDirectory())).toMatchObject({
      code: "MLMCP_DATA_FORMAT",
      message: expect.stringContaining("is a directory"),
    });
  });

  it("is reported where the path goes through a file, or in a circle", async () => {
    const file = await temporaryFile("a.csv", "v\n1\n");
    expect(await failure(join(file, "b.csv"))).toMatchObject({
      code: "MLMCP_DATA_UNREADABLE",
      message: expect.stringContaining("not a directory"),
    });
    const circle = `${file}.link`;
    await symlink(circle, circle);
    expect(await failure(circle)).toMatchObject({
      code: "MLMCP_DATA_UNREADABLE",
      message: expect.stringContaining("leads to itself"),
    });
  });

  it.skipIf(process.getuid?.() === 0)("is reported where this user may not", async () => {
    const file = await temporaryFile("a.csv", "v\n1\n");
    await chmod(file, 0);
    expect(await failure(file)).toMatchObject({
      code: "MLMCP_DATA_UNREADABLE",
      message: expect.stringContaining("may not be read"),
    });
  });

  it.each<[what: string, name: string, content: Buffer | string, message: string]>([
    ["nothing", "a.csv", "", "is empty"],
    ["JSON", "a.json", '[{"a": 1}]', "is JSON"],
    ["a workbook", "a.xlsx", Buffer.from("PK\x03\x04\0\0", "latin1"), "Excel"],
    ["an Arrow file", "a.arrow", Buffer.from("ARROW1\0\0"), "Arrow IPC"],
    ["gzip", "a.csv.gz", Buffer.from([0x1f, 0x8b, 8, 0]), "gzip"],
    ["UTF-16", "a.csv", Buffer.from("a,b\n1,2\n", "utf16le"), "is binary"],
    ["no Parquet in spite of its name", "a.parquet", "a,b\n1,2\n", "does not begin as one"],
    ["half a Parquet file", "a.parquet", "PAR1 and then nothing", "was cut off after 21 bytes"],
    [
      "a Parquet file of garbage",
      "a.parquet",
      "PAR1garbagegarbagegarbage\xff\xff\xff\x7fPAR1",
      "cannot be read as Parquet",
    ],
  ])("is reported where it holds %s", async (_, name, content, message) => {
    const file = await temporaryFile(name, content);
    expect(await failure(file)).toMatchObject({
      name: "DataLoadError",
      message: expect.stringContaining(message),
    });
    expect(await failure(file)).toMatchObject({ message: expect.stringContaining(file) });
  });

  it("is reported where it is a device", async () => {
    expect(await failure("/dev/null")).toMatchObject({ message: expect.stringContaining("device") });
    await expect(mkdir("/dev/null/x")).rejects.toThrow();
  });
});
