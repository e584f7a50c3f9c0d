import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");

it("the guide on resilience names every event of resilience, and none that is not there", () => {
  const declared = [
    ...read("packages/core/src/resilience/events.ts").matchAll(/^ {4}"(\w+:\w+)":/gm),
    ["", "advice:failed"],
  ];
  const told = read("docs/guides/resilience.md")
    .split("| decorator ")[1]!
    .matchAll(/`(\w+:\w+)`/g);
  const names = (found: Iterable<readonly string[]>) => Array.from(found, ([, name]) => name).sort();
  expect(names(told)).toEqual(names(declared));
});
