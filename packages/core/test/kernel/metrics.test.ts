import { definePlugin, type Metric, type MetricReading, type Plugin } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { describe, expect, it, onTestFinished } from "vitest";

const gauge = (name: string, read: Metric["read"]): Metric => ({
  name,
  help: "Something.",
  type: "gauge",
  read,
});
/** Without those of the core's own plugin. */
const own = (metrics: readonly MetricReading[]) => metrics.filter(({ name }) => name.startsWith("p_"));
const pluginWith = (...metrics: Metric[]): Plugin => definePlugin({ name: "p", metrics });

describe("the metrics of a kernel", () => {
  it("are what its plugins tell at that moment, one number or one for each set of labels", async () => {
    let waiting = 3;
    await using kernel = await createTestKernel({
      plugins: [
        pluginWith(
          gauge("p_queue", () => waiting),
          {
            name: "p_sent_total",
            help: "What was sent, by kind.",
            type: "counter",
            *read() {
              yield { value: 1, labels: { kind: "letter" } };
              yield { value: 2, labels: { kind: "parcel" } };
            },
          },
        ),
      ],
    });
    const queue = { name: "p_queue", help: "Something.", type: "gauge" };
    expect(own(kernel.metrics())).toEqual([
      { ...queue, samples: [{ value: 3 }] },
      {
        name: "p_sent_total",
        help: "What was sent, by kind.",
        type: "counter",
        samples: [
          { value: 1, labels: { kind: "letter" } },
          { value: 2, labels: { kind: "parcel" } },
        ],
      },
    ]);
    waiting = 0;
    expect(own(kernel.metrics())[0]).toEqual({ ...queue, samples: [{ value: 0 }] });
  });

  it("are each read with the kernel that is asked, and told to its plugins", async () => {
    const heard: Array<() => readonly MetricReading[]> = [];
    const plugins = [
      pluginWith(
        gauge("p_patience_seconds", ({ config }) => config.get<number>("system.stopTimeout") / 1_000),
      ),
      definePlugin({ name: "exporter", register: (kernel) => void heard.push(() => own(kernel.metrics())) }),
    ];
    const patient = (stopTimeout: `${number}s`) =>
      createTestKernel({ plugins, config: { system: { stopTimeout } } });
    await using _one = await patient("1s");
    await using _other = await patient("2s");
    expect(heard.map((metrics) => metrics()[0]?.samples)).toEqual([[{ value: 1 }], [{ value: 2 }]]);
  });

  it("are those of plugins that run: neither before their start nor after their stop", async () => {
    const counts: number[] = [];
    const kernel = await createTestKernel({
      plugins: [
        definePlugin({ name: "early", start: ({ metrics }) => void counts.push(own(metrics()).length) }),
        pluginWith(gauge("p_size", () => 1)),
      ],
    });
    counts.push(own(kernel.metrics()).length);
    await kernel.stop();
    expect([...counts, own(kernel.metrics()).length]).toEqual([0, 1, 0]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("not now");
      },
      "Error: not now",
    ],
    [
      "gives no number",
      () => [{ value: "7" as never }],
      "TypeError: { value: '7' } has no number as its value",
    ],
    ["gives none as yet", () => NaN, "TypeError: { value: NaN } has no number as its value"],
    [
      "gives a promise, whatever comes of it",
      (async () => {
        throw new Error("late");
      }) as never,
      "TypeError: it gives a promise, and must ask nobody",
    ],
    [
      "has labels that are none",
      () => [{ value: 7, labels: null as never }],
      "TypeError: null is no object of labels",
    ],
    [
      "has a label that cannot be one",
      () => [{ value: 7, labels: { 'a"} 1\nb': "x" } }],
      `TypeError: 'a"} 1\\nb' cannot be the name of a label`,
    ],
  ])("leave out one that %s, with a process warning the first time", async (_, read, problem) => {
    const warnings: string[] = [];
    const listener = ({ message }: Error): void => void warnings.push(message);
    process.on("warning", listener);
    onTestFinished(() => void process.off("warning", listener));
    await using kernel = await createTestKernel({
      plugins: [
        pluginWith(
          gauge("p_broken", read),
          gauge("p_sound", () => 1),
        ),
      ],
    });
    for (const metrics of [kernel.metrics(), kernel.metrics()])
      expect(own(metrics).map(({ name }) => name)).toEqual(["p_sound"]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([`The metric p_broken of the plugin "p" cannot be read: ${problem}`]);
  });
});

describe("definePlugin refuses a metric", () => {
  const sound = gauge("p_size", () => 1);
  it.each([
    ["that is none", 7, /metrics\[0\]` that is 7; it must be `\{ name, help, type, read \}`/],
    ["whose name is none of Prometheus", { ...sound, name: "p-size" }, /has `name: 'p-size'`; it must be of/],
    ["that nobody can understand", { ...sound, help: "" }, /has no `help`/],
    [
      "of another type",
      { ...sound, type: "summary" },
      /has `type: 'summary'`; it must be "gauge" or "counter"/,
    ],
    ["that counts and is not named so", { ...sound, type: "counter" }, /names of counters end with _total/],
    ["that is named as if it counted", { ...sound, name: "p_total" }, /names of counters end with _total/],
    ["that cannot be read", { ...sound, read: undefined }, /has no function `read`/],
  ])("%s", (_, metric, message) => {
    expect(() => pluginWith(metric as Metric)).toThrow(message);
  });

  it("whose name another one of the plugin has", () => {
    expect(() => pluginWith(sound, sound)).toThrow(/has two metrics called "p_size"/);
  });
});
