import { ConfigurationError } from "@mlmcp/core";
import { cached } from "@mlmcp/plugin-cache";
import { describe, expect, it } from "vitest";
import { gate, inMemory } from "./in-memory.js";

const refusal = { code: "MLMCP_CACHE_RECURSION", context: { operation: "Tree.first" } };

/** Methods that call each other: `first` calls whatever it is given. */
async function subject(context: boolean | undefined) {
  class Tree {
    ran: string[] = [];
    inside: (id: number) => Promise<unknown> = async () => "leaf";
    @cached()
    async first(id: number): Promise<string> {
      this.ran.push(`first ${id}`);
      return `first of ${String(await this.inside(id))}`;
    }
    @cached()
    async second(id: number): Promise<string> {
      this.ran.push(`second ${id}`);
      await Promise.resolve();
      return `second of ${await this.first(id)}`;
    }
  }
  const kernel = await inMemory(context === undefined ? {} : { system: { context } });
  return kernel.adopt(new Tree());
}

describe("a cached method that waits for itself", () => {
  it.each([true, false, undefined])(
    "is refused before its first await, whatever `system.context` is: %s",
    async (context) => {
      const tree = await subject(context);
      tree.inside = () => tree.first(1);
      await expect(tree.first(1)).rejects.toMatchObject(refusal);
      await expect(tree.first(1)).rejects.toBeInstanceOf(ConfigurationError);
      expect(tree.ran).toEqual(["first 1", "first 1"]);
      tree.inside = async () => "leaf";
      expect(await tree.first(1)).toBe("first of leaf");
    },
  );

  it("is refused later where there is a context", async () => {
    const tree = await subject(true);
    tree.inside = async () => {
      await Promise.resolve();
      return tree.first(1);
    };
    await expect(tree.first(1)).rejects.toThrow(
      "Tree.first was called with the same key from inside of itself, and would wait for its own result for ever. " +
        "Call it with other arguments, or move what both need into a method that is not cached.",
    );
  });

  it("is refused by way of another", async () => {
    const tree = await subject(true);
    tree.inside = (id) => tree.second(id);
    await expect(tree.first(1)).rejects.toMatchObject(refusal);
    expect(tree.ran).toEqual(["first 1", "second 1"]);
  });

  it("is refused where another began it that waits for it as well", async () => {
    const tree = await subject(true);
    const { promise, open } = gate();
    tree.inside = async (id) => {
      await promise;
      return tree.second(id);
    };
    const calls = [tree.second(1), tree.first(1)];
    open();
    expect(await Promise.allSettled(calls)).toMatchObject([
      { status: "rejected", reason: { code: "MLMCP_CACHE_RECURSION" } },
      { status: "rejected", reason: { code: "MLMCP_CACHE_RECURSION" } },
    ]);
    expect(tree.ran).toEqual(["second 1", "first 1"]);
  });

  it("is refused at once also where a timeout of its own would end the waiting", async () => {
    class Slow {
      ran = 0;
      inside: (found: Promise<string>) => Promise<void> = async () => undefined;
      @cached({ ttl: 1, grace: "1h", softTimeout: "20s", hardTimeout: "30s" })
      async find(id: number): Promise<string> {
        if (this.ran++ === 0) return "stale";
        await Promise.resolve();
        const found = this.find(id);
        await this.inside(found);
        return found;
      }
    }
    const kernel = await inMemory({ system: { context: true } });
    const slow = kernel.adopt(new Slow());
    const outcomes: unknown[] = [];
    slow.inside = async (found) => void outcomes.push(await found.catch((error: unknown) => error));
    expect(await slow.find(1)).toBe("stale");
    await new Promise((resolve) => setTimeout(resolve, 5));
    // What there is stands in for it, as for whatever else fails.
    expect(await slow.find(1)).toBe("stale");
    expect(outcomes).toMatchObject([{ code: "MLMCP_CACHE_RECURSION" }]);
  });

  it("may call itself with other arguments, and others that several wait for", async () => {
    const tree = await subject(true);
    tree.inside = async (id) => (id === 0 ? "leaf" : Promise.all([tree.first(id - 1), tree.first(id - 1)]));
    expect(await tree.first(2)).toBe(
      "first of first of first of leaf,first of leaf,first of first of leaf,first of leaf",
    );
    expect(tree.ran).toEqual(["first 2", "first 1", "first 0"]);
  });
});
