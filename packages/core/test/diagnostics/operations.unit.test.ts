import { createMethodDecorator, retry } from "@mlmcp/core";
import { afterAll, describe, expect, it } from "vitest";
import { brokenOperation } from "../../src/diagnostics/broken-operation.js";
import { retryWithoutIdempotence } from "../../src/diagnostics/retry-without-idempotence.js";
import { timeoutOverDeadline } from "../../src/diagnostics/timeout-over-deadline.js";
import { findings } from "./inspect.js";

/** Limits as `@timeout` and `@degrade` have them. */
const limited = createMethodDecorator<{ timeout?: number; attempt?: number; deadline?: number }>({
  name: "limited",
  schema: {
    type: "object",
    properties: { timeout: { duration: true }, attempt: { duration: true }, deadline: { duration: true } },
  },
  serves: { sync: true },
  parts: [{ at: "deadline", around: (next) => next }],
  check: ({ timeout }) => (timeout === 13 ? "13 is unlucky" : undefined),
});
const within = createMethodDecorator<{ deadline?: number }>({
  name: "within",
  schema: { type: "object", properties: { deadline: { duration: true } } },
  serves: { sync: true },
  parts: [{ at: "deadline", around: (next) => next }],
});

class Limits {
  @limited({ timeout: 5000, deadline: 1000 })
  wrong(): void {}
  @limited({ attempt: 1000 })
  @within({ deadline: 1000 })
  apart(): void {}
  @limited({ timeout: 100, deadline: 1000 })
  right(): void {}
  @limited({ timeout: 5000 })
  alone(): void {}
}
// Operations are held weakly: without a reference the class could be collected before its test.
afterAll(() => void Limits);

describe("timeout-over-deadline", () => {
  it("finds limits that never take effect, within one advice and across two", async () => {
    expect(await findings(timeoutOverDeadline, {})).toEqual([
      {
        level: "error",
        message:
          "Limits.apart: the attempt of @limited, 1000 ms (@limited in the code), is no shorter than the deadline of " +
          "@within, 1000 ms (@within in the code), which ends the call first.",
        mend: expect.any(String),
      },
      expect.objectContaining({
        message: expect.stringMatching(/^Limits\.wrong: the timeout of @limited, 5000 ms/),
      }),
    ]);
  });

  it("does not find their mended twins, and looks at effective options", async () => {
    const operations = {
      "Limits.wrong": { limited: { timeout: "900ms" } },
      "Limits.apart": { within: false },
    };
    expect(await findings(timeoutOverDeadline, { config: { operations } })).toEqual([]);
    const worse = { ...operations, "Limits.right": { limited: { deadline: 50 } } };
    expect(await findings(timeoutOverDeadline, { config: { operations: worse } })).toEqual([
      expect.objectContaining({ message: expect.stringContaining("50 ms (createKernel({ config }))") }),
    ]);
  });
});

class Shop {
  @retry(2)
  async chargeCard(): Promise<void> {}
  @retry({ maxRetries: 2, idempotent: true })
  async sendMail(): Promise<void> {}
  @retry(2)
  async addressOf(): Promise<void> {}
  @retry(2)
  async postProcess(): Promise<void> {}
  @retry(2)
  async orders(): Promise<void> {}
  @retry(0)
  async create(): Promise<void> {}
}
// Operations are held weakly: without a reference the class could be collected before its test.
afterAll(() => void Shop);

describe("retry-without-idempotence", () => {
  it("finds a retry of what by its name happens once, and nothing else", async () => {
    expect(await findings(retryWithoutIdempotence, {})).toEqual([
      {
        level: "warning",
        message: expect.stringMatching(
          /^Shop\.chargeCard is tried again up to 2 times \(@retry in the code\)/,
        ),
        mend: expect.stringContaining("@retry({ idempotent: true })"),
      },
    ]);
  });

  it.each([[{ retry: { idempotent: true } }], [{ retry: false }], [{ retry: 0 }]])(
    "does not find its mended twin: %j",
    async (settings) => {
      const config = { operations: { "Shop.chargeCard": settings } };
      expect(await findings(retryWithoutIdempotence, { config })).toEqual([]);
    },
  );

  it("finds one that the configuration makes", async () => {
    const config = { operations: { "Shop.*": { retry: { maxRetries: 1, idempotent: false } } } };
    const found = await findings(retryWithoutIdempotence, { config });
    expect(found.map(({ message }) => message.split(" ")[0])).toEqual([
      "Shop.chargeCard",
      "Shop.create",
      "Shop.sendMail",
    ]);
  });
});

describe("broken-operation", () => {
  it("finds an operation whose calls are all refused, and not its mended twin", async () => {
    const config = (timeout: number) => ({ operations: { "Limits.alone": { limited: { timeout } } } });
    expect(await findings(brokenOperation, { config: config(13) })).toEqual([
      {
        level: "error",
        message: expect.stringMatching(/^Every call of Limits\.alone is refused: .*13 is unlucky/s),
        mend: expect.stringContaining("Limits.alone"),
      },
    ]);
    expect(await findings(brokenOperation, { config: config(14) })).toEqual([]);
  });

  it("keeps no other rule from looking at the rest", async () => {
    const config = { operations: { "Limits.alone": { limited: { timeout: 13 } } } };
    expect(await findings(timeoutOverDeadline, { config })).toHaveLength(2);
    expect(await findings(retryWithoutIdempotence, { config })).toHaveLength(1);
  });
});
