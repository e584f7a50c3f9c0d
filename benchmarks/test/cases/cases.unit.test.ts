import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { cases } from "../../src/cases/index.js";
import type { Checked } from "../../src/harness/case.js";
import { requireEqualResults } from "../../src/harness/run-case.js";

/** Where everything must be tested (`CI=true`) it has to be there. */
const hasRedis = process.env["CI"] === "true" || spawnSync("redis-server", ["--version"]).status === 0;

describe.each(Object.entries(cases))("the case %s", (name, load) => {
  it.skipIf(name.startsWith("redis-") && !hasRedis)("has contenders that all do the same", async () => {
    const { default: subject } = await load();
    const results = new Map<string, Checked>();
    for (const { name: contender, setup } of subject.contenders) {
      const { run, check, dispose } = await setup();
      try {
        await run(10);
        results.set(contender, await check());
      } finally {
        await dispose?.();
      }
    }
    await requireEqualResults(
      name,
      subject.contenders,
      subject.contenders.map((each) => ({ name: each.name, check: async () => results.get(each.name)! })),
    );
    expect(subject.name).toBe(name);
  });

  it("refers to contenders that are there, each under a name of its own", async () => {
    const { default: subject } = await load();
    const names = subject.contenders.map((contender) => contender.name);
    expect(new Set(names).size).toBe(names.length);
    const referred = [
      subject.reference,
      ...(subject.budgets ?? []).flatMap(({ contender, over }) => [contender, over]),
    ];
    for (const each of referred) expect(names).toContain(each);
  });
});
