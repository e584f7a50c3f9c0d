import { definePlugin, type PluginDefinition } from "@mlmcp/core";
import { pluginContract, runPluginContract, type PluginRule, type PluginSubject } from "@mlmcp/core/testing";
import { afterEach, describe, expect, it } from "vitest";

const subject = (definition: Partial<PluginDefinition>): PluginSubject => ({
  plugin: definePlugin({ name: "subject", ...definition }),
});

const leaked: NodeJS.Timeout[] = [];
const leak = () => leaked.push(setInterval(() => undefined, 60_000).unref());

afterEach(() => {
  for (const timer of leaked.splice(0)) clearInterval(timer);
});

const brokenBy: Record<PluginRule, () => PluginSubject> = {
  starts: () =>
    subject({
      start() {
        throw new Error("never starts");
      },
    }),
  restarts: () => {
    let started = false;
    return subject({
      start() {
        if (started) throw new Error("only once");
        started = true;
      },
    });
  },
  isolation: () => {
    let open = 0;
    return subject({
      start: () => void (open = 2),
      // One connection that all kernels share, closed by the first that stops.
      stop: () => void (open = 0),
      healthChecks: [() => ({ name: "connection", check: () => ({ status: open > 0 ? "up" : "down" }) })],
    });
  },
  leftovers: () => subject({ start: () => void leak() }),
  "failed start": () =>
    subject({
      start({ hooks }) {
        leak();
        hooks.hook("kernel:draining", () => {
          for (const timer of leaked.splice(0)) clearInterval(timer);
        });
      },
    }),
  defaults: () =>
    subject({
      section: "subject",
      schema: { type: "object", properties: { size: { type: "integer", default: "big" } } },
    }),
  "unknown keys": () =>
    subject({ section: "subject", schema: { type: "object", additionalProperties: true } }),
  variables: () =>
    subject({
      section: "subject",
      schema: { type: "object", properties: { maxRows: { type: "integer" }, MAX_ROWS: { type: "integer" } } },
    }),
  health: () =>
    subject({
      healthChecks: [() => ({ name: "store", critical: false, check: () => ({ status: "degraded" }) })],
    }),
  metrics: () =>
    subject({
      metrics: [
        { name: "subject_size", help: "Its size.", type: "gauge", read: () => [{ value: "?" as never }] },
      ],
    }),
  reload: () =>
    subject({
      reload() {
        throw new Error("cannot reload");
      },
    }),
};

describe("the plugin contract", () => {
  it("has eleven rules", () => {
    const rules = pluginContract(subject({}));
    expect(rules).toHaveLength(11);
    expect(Object.keys(brokenBy).sort()).toEqual(rules.map(({ rule }) => rule).sort());
  });

  it("is kept by a plugin that cleans up", async () => {
    const clean = subject({
      section: "subject",
      schema: { type: "object", properties: { size: { type: "integer", default: 1 } } },
      start({ onStop }) {
        const timer = setInterval(() => undefined, 60_000);
        onStop(() => clearInterval(timer));
      },
      healthChecks: [() => ({ name: "timer", check: () => ({ status: "up" }) })],
    });
    await runPluginContract(clean);
    await runPluginContract(clean.plugin);
  });

  it.each(Object.entries(brokenBy))(
    "notices a plugin that breaks the rule of its %s",
    async (rule, broken) => {
      const [only] = pluginContract(broken()).filter((each) => each.rule === rule);
      await expect(only!.run()).rejects.toThrow();
    },
  );

  it("reports every broken rule, and leaves out those that it is told to", async () => {
    await expect(runPluginContract(brokenBy.reload())).rejects.toThrow(
      /The plugin "subject" breaks 2 of 11 rules:\n.*- serves one kernel on.*\n.*- takes a reload that changes nothing: .*cannot reload/,
    );
    await runPluginContract(brokenBy.reload(), { except: ["reload", "isolation"] });
  });
});
