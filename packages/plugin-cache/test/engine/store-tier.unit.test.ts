import { describe, expect, it } from "vitest";
import { StoreTier } from "../../src/engine/store-tier.js";
import { MemoryServer } from "../stores/memory-server.js";
import { createEntryCodec } from "../../src/values/entry-codec.js";

function subject(): StoreTier {
  const tier = new StoreTier();
  tier.use({ store: new MemoryServer().connect(), codec: createEntryCodec(), digest: (text) => text });
  return tier;
}

describe("the texts of keyspaces in a process", () => {
  it("are short, the same for the same keyspace, and whole in the store", () => {
    const tier = subject();
    const [first, second] = [tier.spaceOf("Users.find:"), tier.spaceOf("Users.find:instance")];
    expect([first, second, tier.spaceOf("Users.find:")]).toEqual(["0:", "1:", "0:"]);
    expect([tier.keyOf(`${first}7`), tier.keyOf(`${second}7`)]).toEqual([
      "Users.find:7",
      "Users.find:instance7",
    ]);
  });

  it("are not remembered without end, and name the same entries when they are not", () => {
    const [many, fresh] = [subject(), subject()];
    for (let user = 0; user < 10_000; user++) many.spaceOf(`by hand:user ${user}:`);
    const space = many.spaceOf("by hand:one more:");
    expect(space).toBe(":by hand:one more:");
    expect(many.keyOf(`${space}k`)).toBe(fresh.keyOf(`${fresh.spaceOf("by hand:one more:")}k`));
    expect(many.spaceOf("by hand:user 7:")).toBe("7:");
  });
});
