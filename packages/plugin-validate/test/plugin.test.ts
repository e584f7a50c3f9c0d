import { ConfigurationError } from "@mlmcp/core";
import { createTestKernel, decoratorContract, pluginContract } from "@mlmcp/core/testing";
import { validatePlugin, InputValidator, validated } from "@mlmcp/plugin-validate";
import { describe, expect, it } from "vitest";

/** Writes a decorator on a method: there its options are checked. */
function written(decorator: any): unknown {
  class Written {
    @decorator
    async method(): Promise<void> {}
  }
  return Written;
}

describe("the plugin keeps the contract of plugins:", () => {
  for (const { title, run } of pluginContract({ plugin: validatePlugin }))
    it(title, () => expect(run()).resolves.toBeUndefined());
});

describe("@validated keeps the contract of decorators:", () => {
  const options = { args: [true, { type: "object", optional: true }], returns: true };
  for (const { title, run } of decoratorContract({
    decorator: validated,
    plugins: [validatePlugin],
    options,
  }))
    it(title, () => expect(run()).resolves.toBeUndefined());
});

describe("InputValidator in a kernel", () => {
  const loose = { type: "object", properties: { a: { type: "string" } } };

  it("is one for each kernel and follows validation.strictMode", async () => {
    await using open = await createTestKernel({ plugins: [validatePlugin] });
    await using strict = await createTestKernel({
      plugins: [validatePlugin],
      config: { validation: { strictMode: true } },
    });
    expect(open.resolve(InputValidator)).toBe(open.resolve(InputValidator));
    expect(open.resolve(InputValidator)).not.toBe(strict.resolve(InputValidator));
    expect(open.resolve(InputValidator).validate(loose, { b: 1 }).ok).toBe(true);
    expect(strict.resolve(InputValidator).validate(loose, { b: 1 }).ok).toBe(false);
  });

  it("takes MLMCP_VALIDATION_STRICT_MODE", async () => {
    await using kernel = await createTestKernel({
      plugins: [validatePlugin],
      env: { MLMCP_VALIDATION_STRICT_MODE: "true" },
    });
    expect(kernel.resolve(InputValidator).validate(loose, { b: 1 }).ok).toBe(false);
  });

  it("follows a reload", async () => {
    const env: NodeJS.ProcessEnv = {};
    await using kernel = await createTestKernel({ plugins: [validatePlugin], env });
    const validator = kernel.resolve(InputValidator);
    expect(validator.validate(loose, { b: 1 }).ok).toBe(true);
    env["MLMCP_VALIDATION_STRICT_MODE"] = "true";
    await kernel.reload();
    expect(validator.validate(loose, { b: 1 }).ok).toBe(false);
  });

  it("is not there where the plugin is turned off, and validation passes through", async () => {
    class Service {
      @validated({ args: [{ type: "string" }] })
      run(text: string): string {
        return text;
      }
    }
    await using kernel = await createTestKernel({
      plugins: [validatePlugin],
      config: { plugins: { "@mlmcp/plugin-validate": false } },
    });
    expect(kernel.adopt(new Service()).run(1 as never)).toBe(1);
  });

  it("refuses options that it does not have", () => {
    expect(() => written(validated({ args: [{ type: "string" }], mod: "warn" } as never))).toThrow(
      /Did you mean "mode"/,
    );
    expect(() => written(validated({ mode: "ignore" } as never))).toThrow(ConfigurationError);
  });
});
