import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { metrics } from "../src/metrics.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

it("the README names every metric, and no other", () => {
  const named = Array.from(readme.matchAll(/^\| `(mlmcp_\w+)` /gm), ([, name]) => name);
  expect(named).toEqual(metrics.map(({ name }) => name));
});
