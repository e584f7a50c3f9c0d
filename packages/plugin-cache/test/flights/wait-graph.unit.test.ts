import { describe, expect, it } from "vitest";
import { WaitGraph } from "../../src/flights/wait-graph.js";

describe("work that waits for other work", () => {
  it("must not wait for itself, nor for what waits for it, over however many", () => {
    const graph = new WaitGraph();
    const [a, b, c] = [{}, {}, {}];
    expect(graph.begin(a, a)).toBeUndefined();
    expect(graph.begin(a, b)).toBeDefined();
    expect(graph.begin(b, a)).toBeUndefined();
    expect(graph.begin(b, c)).toBeDefined();
    expect(graph.begin(c, a)).toBeUndefined();
    expect(graph.begin(a, c)).toBeDefined();
  });

  it("is found at the end of a chain that is deeper than the stack", () => {
    const graph = new WaitGraph();
    const works = Array.from({ length: 100_000 }, () => ({}));
    // The last first, so that each look ends at once.
    for (let at = works.length - 1; at > 0; at--) graph.begin(works[at]!, works[at - 1]!);
    expect(graph.begin(works[0]!, works.at(-1)!)).toBeUndefined();
    expect(graph.begin({}, works.at(-1)!)).toBeDefined();
  });

  it("no longer does so once each of its waits has ended", () => {
    const graph = new WaitGraph();
    const [a, b] = [{}, {}];
    const ends = [graph.begin(a, b)!, graph.begin(a, b)!];
    ends[0]!();
    expect(graph.begin(b, a)).toBeUndefined();
    ends[1]!();
    expect(graph.begin(b, a)).toBeDefined();
  });
});
