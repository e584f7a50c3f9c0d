import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { project } from "../config/project.js";
import { fixture, mlmcp } from "./command-line.js";

const plugins = `plugins: ["${fixture("lab-plugin.ts")}"]\n`;

function rcOf(rc: string, name = ".mlmcprc.yaml") {
  const cwd = project({ ".git/": "", [name]: rc });
  return {
    config: (...args: string[]) => mlmcp(["config", ...args], { cwd }),
    text: () => readFileSync(join(cwd, name), "utf8"),
  };
}

describe("mlmcp config unset of the last value in a map", () => {
  it.each([
    ["a section", "lab:\n  wait: 10s\n", ["lab.wait"]],
    ["a part of one", "lab: { door: { open: true } }\n", ["lab.door.open"]],
    ["a profile", "profiles:\n  staging:\n    lab:\n      rooms: 9\n", ["lab.rooms", "--profile", "staging"]],
    [
      "an operation",
      'operations:\n  "A.b":\n    retry: { maxRetries: 7 }\n',
      ['operations."A.b".retry.maxRetries'],
    ],
    ["`profiles` itself", "profiles:\n  staging: {}\n", ["profiles.staging"]],
  ])("leaves no empty map of %s behind", async (_what, rc, args) => {
    const { config, text } = rcOf(plugins + rc);
    expect((await config("unset", ...args)).code).toBe(0);
    expect(text()).toBe(plugins);
  });

  it("does so in JSON", async () => {
    const { config, text } = rcOf(
      '{\n  "system": { "production": { "allow": [] } },\n  "performance": {}\n}\n',
      ".mlmcprc.json",
    );
    expect((await config("unset", "system.production.allow")).code).toBe(0);
    expect(text()).toBe('{\n  "performance": {}\n}\n');
  });

  it("keeps what holds something else, and what was empty before", async () => {
    const { config, text } = rcOf(`${plugins}lab:\n  rooms: 2\n  wait: 10s\nperformance: {}\n`);
    expect((await config("unset", "lab.wait")).code).toBe(0);
    expect(text()).toBe(`${plugins}lab:\n  rooms: 2\nperformance: {}\n`);
  });

  it.each([
    ["above it", "# What the lab does.\nlab:\n  wait: 10s\n", "# What the lab does."],
    ["beside it", "lab: # what the lab does\n  wait: 10s\n", "# what the lab does"],
    ["within it", "lab:\n  wait: 10s\n  # rooms: 7\n", "# rooms: 7"],
  ])("keeps a map with a comment %s", async (_where, rc, comment) => {
    const { config, text } = rcOf(plugins + rc);
    expect((await config("unset", "lab.wait")).code).toBe(0);
    expect(text()).toContain(comment);
    expect(text()).toContain("lab:");
    expect(text()).not.toContain("wait");
  });

  it("takes no plugin off the list with its last option", async () => {
    const name = fixture("lab-plugin.ts");
    const { config, text } = rcOf(`plugins:\n  "${name}":\n    rooms: 9\n`);
    expect((await config("unset", `plugins."${name}".rooms`)).code).toBe(0);
    expect(text()).toContain(name);
    expect((await config("get", "lab.rooms")).out).toBe("3\n");
  });
});
