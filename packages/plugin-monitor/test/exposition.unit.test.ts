import { describe, expect, it } from "vitest";
import { parseExposition } from "./exposition.js";

const histogram = (...lines: string[]) => `# TYPE h histogram\n${lines.map((line) => `${line}\n`).join("")}`;

describe("the strict reader of Prometheus text", () => {
  it("reads what the specification allows", () => {
    const families = parseExposition(
      [
        "# HELP a_total What \\\\ it\\nis.",
        "# TYPE a_total counter",
        'a_total{x="q\\"u\\\\o\\nte",y="{,}",} 1.5e+3 1700000000000',
        "",
        "# a comment",
        "plain +Inf",
        "# TYPE h histogram",
        'h_bucket{le="0.5"} 1',
        'h_bucket{le="+Inf"} 2',
        "h_sum 3",
        "h_count 2",
        "",
      ].join("\n"),
    );
    expect(families.get("a_total")).toEqual({
      name: "a_total",
      type: "counter",
      help: "What \\ it\nis.",
      samples: [{ name: "a_total", labels: { x: 'q"u\\o\nte', y: "{,}" }, value: 1_500 }],
    });
    expect(families.get("plain")?.samples[0]?.value).toBe(Infinity);
    expect(families.get("h")?.samples).toHaveLength(4);
  });

  it.each([
    ["no line feed at the end", "a 1"],
    ["a name with a dash", "a-b 1\n"],
    ["a label without quotes", "a{x=1} 1\n"],
    ["an unescaped quote", 'a{x="q"u"} 1\n'],
    ["an unknown escape", 'a{x="\\t"} 1\n'],
    ["a label twice", 'a{x="1",x="2"} 1\n'],
    ["no comma between labels", 'a{x="1"y="2"} 1\n'],
    ["a value that is no number", "a one\n"],
    ["NaN misspelt", "a Nan\n"],
    ["no value", 'a{x="1"}\n'],
    ["a broken line in a label", 'a{x="1\n2"} 1\n'],
    ["a series twice", 'a{x="1",y="2"} 1\na{y="2",x="1"} 2\n'],
    ["a type twice", "# TYPE a gauge\n# TYPE a gauge\n"],
    ["a type behind samples", "a 1\n# TYPE a gauge\n"],
    ["an unknown type", "# TYPE a meter\n"],
    ["a family in two places", "# TYPE a gauge\na 1\nb 1\na 2\n"],
    ["a counter without _total", "# TYPE a counter\na 1\n"],
    ["a negative counter", "# TYPE a_total counter\na_total -1\n"],
    ["a histogram without +Inf", histogram('h_bucket{le="1"} 1', "h_sum 1", "h_count 1")],
    ["a histogram without a sum", histogram('h_bucket{le="+Inf"} 1', "h_count 1")],
    ["a histogram whose count differs", histogram('h_bucket{le="+Inf"} 1', "h_sum 1", "h_count 2")],
    ["buckets that shrink", histogram('h_bucket{le="1"} 2', 'h_bucket{le="+Inf"} 1', "h_sum 1", "h_count 1")],
    [
      "buckets out of order",
      histogram('h_bucket{le="2"} 1', 'h_bucket{le="1"} 1', 'h_bucket{le="+Inf"} 1', "h_sum 1", "h_count 1"),
    ],
  ])("refuses %s", (_, text) => {
    expect(() => parseExposition(text)).toThrow();
  });
});
