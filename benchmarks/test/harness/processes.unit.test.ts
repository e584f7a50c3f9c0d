import { describe, expect, it } from "vitest";
import { groupsOf } from "../../src/harness/processes.js";

const contender = (name: string, usesContext?: boolean) => ({
  name,
  usesContext,
  setup: () => ({ run: () => 0, check: () => ({}) }),
});

describe("groupsOf", () => {
  it("lets contenders share a process", () => {
    const contenders = [contender("a"), contender("b", false)];
    expect(groupsOf(contenders)).toEqual([contenders]);
  });

  it("gives each a process of its own where one of them switches AsyncLocalStorage on", () => {
    const [a, b, c] = [contender("a"), contender("b", true), contender("c")];
    expect(groupsOf([a, b, c])).toEqual([[a], [b], [c]]);
  });
});
