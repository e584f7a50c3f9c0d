import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, formatSize, parseDuration, parseSize } from "../../../src/config/schema/units.js";

describe("units for people", () => {
  it.each([
    [0, "0ms"],
    [250, "250ms"],
    [1_234, "1234ms"],
    [1_500, "1.5s"],
    [30_000, "30s"],
    [90_000, "1.5m"],
    [1_800_000, "30m"],
    [86_400_000, "1d"],
    [1_210_500, "1210.5s"],
  ])("writes %d ms as %s", (value, text) => {
    expect(formatDuration(value)).toBe(text);
  });

  it.each([
    [1023, "1023B"],
    [1024, "1KB"],
    [10 * 1024 ** 2, "10MB"],
    [1.5 * 1024 ** 3, "1.5GB"],
  ])("writes %d bytes as %s", (value, text) => {
    expect(formatSize(value)).toBe(text);
  });

  it("are read as what they were", () => {
    const scaled = fc.tuple(
      fc.nat({ max: 10_000 }),
      fc.constantFrom(1, 10, 1000, 60_000, 864_000, 1024, 1024 ** 3),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.maxSafeNat(),
          scaled.map(([count, unit]) => count * unit),
        ),
        (value) => {
          expect(parseDuration(formatDuration(value))).toBe(value);
          expect(parseSize(formatSize(value))).toBe(value);
        },
      ),
    );
  });
});

describe("durations", () => {
  it.each([
    [0, 0],
    [250, 250],
    ["250ms", 250],
    ["5s", 5_000],
    ["1.5s", 1_500],
    ["30m", 1_800_000],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
    [" 2 s ", 2_000],
    ["1500", 1_500],
  ])("reads %j as %d ms", (given, expected) => {
    expect(parseDuration(given)).toBe(expected);
  });

  it.each([
    "",
    "soon",
    "5 seconds",
    "-5s",
    "5s5",
    "1e3",
    "s",
    "5constructor",
    -1,
    Number.NaN,
    Infinity,
    true,
    null,
    undefined,
    [],
    {},
  ])("refuses %j", (given) => {
    expect(parseDuration(given)).toBeUndefined();
  });

  it("reads every whole number with every unit, and its own result again", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom("ms", "s", "m", "h", "d"), (count, unit) => {
        const read = parseDuration(`${count}${unit}`)!;
        expect(read).toBe(count * parseDuration(`1${unit}`)!);
        expect(parseDuration(read)).toBe(read);
      }),
    );
  });
});

describe("sizes", () => {
  it.each([
    [512, 512],
    ["512", 512],
    ["512B", 512],
    ["1KB", 1024],
    ["1 KiB", 1024],
    ["64MB", 64 * 1024 ** 2],
    ["64mb", 64 * 1024 ** 2],
    ["1.5GB", 1.5 * 1024 ** 3],
    ["1TB", 1024 ** 4],
    ["0.3KB", 307],
  ])("reads %j as %d bytes", (given, expected) => {
    expect(parseSize(given)).toBe(expected);
  });

  it.each(["", "big", "-1MB", "1 M", "1MBs", -1, Number.NaN, false, null])("refuses %j", (given) => {
    expect(parseSize(given)).toBeUndefined();
  });
});
