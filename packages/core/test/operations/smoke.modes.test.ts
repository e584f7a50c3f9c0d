import { createMethodDecorator, definePlugin, service, currentOperation, retry } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { expect, it } from "vitest";

const shouted = createMethodDecorator<{ mark?: string }>({
  name: "shouted",
  schema: { type: "object", properties: { mark: { type: "string", default: "!" } } },
  serves: { sync: true },
  parts: [{ at: { after: "cache" }, around: (next, { options }) => (self, args) => {
    const shout = (text: unknown) => String(text).toUpperCase() + options.mark;
    const result = next(self, args);
    return result instanceof Promise ? result.then(shout) : shout(result);
  } }],
});
const plugin = definePlugin({ name: "plugin-shout", decorators: [shouted] });

@service()
class Speaker {
  calls = 0;
  @shouted() say(text: string) { return text; }
  @shouted({ mark: "?" }) async ask(text: string) { return text; }
  @retry(2) async flaky() { if (this.calls++ < 2) throw new Error("no"); return currentOperation()?.attempt; }
}

it("works end to end", async () => {
  const kernel = await createTestKernel({ plugins: [plugin], config: { operations: { "*": { retry: { initialDelay: 1 } } } } });
  const speaker = kernel.resolve(Speaker);
  expect(speaker.say("hi")).toBe("HI!");
  expect(await speaker.ask("hi")).toBe("HI?");
  expect(await speaker.flaky()).toBe(3);
  console.log(JSON.stringify(kernel.operations.explain("Speaker.flaky"), null, 1));
  await kernel.stop();
  expect(() => speaker.say("x")).toThrow(/kernel/);
});
