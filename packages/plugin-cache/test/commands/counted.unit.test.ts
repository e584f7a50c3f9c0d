import { expect, it } from "vitest";
import { counted, countedEntries } from "../../src/commands/counted.js";

it("says one of something by its own word", () => {
  expect([0, 1, 2].map(countedEntries)).toEqual(["0 entries", "1 entry", "2 entries"]);
  expect(counted(1, "process", "processes")).toBe("1 process");
});
