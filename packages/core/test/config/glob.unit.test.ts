import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareGlobs, matchesGlob } from "../../src/config/glob.js";

/** The definition, tried out in every way. */
function matchesByDefinition(glob: string, text: string): boolean {
  if (glob === "") return text === "";
  if (glob[0] !== "*") return glob[0] === text[0] && matchesByDefinition(glob.slice(1), text.slice(1));
  return (
    matchesByDefinition(glob.slice(1), text) || (text !== "" && matchesByDefinition(glob, text.slice(1)))
  );
}

const from = (alphabet: string, maxLength: number) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength }).map((parts) => parts.join(""));

describe("a glob", () => {
  it("matches what its definition says", () => {
    fc.assert(
      fc.property(from("ab*", 8), from("ab", 10), (glob, text) => {
        expect(matchesGlob(glob, text)).toBe(matchesByDefinition(glob, text));
      }),
      { numRuns: 2_000 },
    );
  });

  it("matches what is made from it", () => {
    fc.assert(
      fc.property(from("ab.$\n*", 12), fc.array(from("ab.$\n", 4)), (glob, fillings) => {
        let next = 0;
        expect(
          matchesGlob(
            glob,
            glob.replaceAll("*", () => fillings[next++] ?? ""),
          ),
        ).toBe(true);
      }),
    );
  });

  it("of many stars is answered at once, also where it does not match", () => {
    expect(matchesGlob(`${"*a".repeat(5_000)}*b`, "a".repeat(10_000))).toBe(false);
  });

  it("is the more specific the fewer texts it leaves open", () => {
    const sorted = ["**", "*", "*b*", "*b", "*bcd", "A.*b*c", "A.*bc", "x"];
    expect(sorted.toReversed().toSorted(compareGlobs)).toEqual(sorted);
  });

  it("is sorted in one order, however it stands", () => {
    const glob = from("ab*", 6);
    fc.assert(
      fc.property(glob, glob, glob, (a, b, c) => {
        expect(Math.sign(compareGlobs(a, b)) + Math.sign(compareGlobs(b, a))).toBe(0);
        if (compareGlobs(a, b) <= 0 && compareGlobs(b, c) <= 0)
          expect(compareGlobs(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
