import { createKernel, createMethodDecorator, definePlugin } from "@mlmcp/core";
import { describe, expect, it } from "vitest";

const wrong = { type: "object", properties: { wait: { duration: true, minimun: 1 } } } as const;
const where = 'is wrong at properties.wait: unknown keyword: "minimun"';

describe("a JSON Schema that is wrong", () => {
  const lab = definePlugin({ name: "mlmcp-plugin-lab", section: "lab", schema: wrong });
  const create = (options: object) =>
    createKernel({ configFile: false, env: {}, autoload: false, ...options });

  it("is told with its section and its plugin", async () => {
    await expect(create({ plugins: [lab] })).rejects.toThrow(
      `The JSON Schema of the section "lab" (mlmcp-plugin-lab) ${where}`,
    );
    await expect(create({ sections: [{ name: "lab", schema: wrong }] })).rejects.toThrow(
      `The JSON Schema of the section "lab" (createKernel({ sections })) ${where}`,
    );
  });

  it("is so too where a text that a variable gives is read by it", async () => {
    await expect(create({ plugins: [lab], env: { MLMCP_LAB_WAIT: "5s" } })).rejects.toThrow(
      /^The JSON Schema of the section "lab" \(mlmcp-plugin-lab\) is wrong at /,
    );
  });

  it("is told with the advice, where it is applied and where it is configured", async () => {
    const slow = createMethodDecorator<{ wait?: number }>({
      name: "slow",
      schema: wrong,
      parts: [{ at: "observe", around: (next) => next }],
    });
    expect(() => {
      class Lab {
        @slow({ wait: 1 })
        async run(): Promise<void> {}
      }
      void Lab;
    }).toThrow(`The JSON Schema of @slow ${where}`);
    const plugin = definePlugin({ name: "slow", decorators: [slow] });
    await expect(
      create({ plugins: [plugin], config: { operations: { "*": { slow: { wait: 1 } } } } }),
    ).rejects.toThrow(`The JSON Schema of @slow ${where}`);
  });
});
