import { expect, it } from "vitest";
import { Shell } from "./command-line.js";
import { Shop } from "./fixtures/app.js";

it("gives the advice that processes which have ended left behind, with the setting to change", async () => {
  const shell = new Shell();
  expect((await shell.run(["cache", "optimize"])).out).toBe(
    "Nothing that was measured calls for a change.\n",
  );
  const kernel = await shell.kernel();
  const shop = kernel.adopt(new Shop());
  for (let id = 0; id < 150; id++) await shop.price(`product ${id}`);
  await kernel.stop();
  const advice = await shell.json<Array<{ rule: string }>>(["cache", "optimize"]);
  expect(advice.find(({ rule }) => rule === "never-hit")).toMatchObject({
    operation: "Shop.price",
    setting: 'operations."Shop.price".cached',
    value: false,
  });
  const { code, out } = await shell.run(["cache", "optimize"]);
  expect(code).toBe(0);
  expect(out).toMatch(
    /never-hit {2}Shop\.price\n {2}measured: 150 results[^\n]+\n {2}gain: {5}[^\n]+\n {2}mend: {5}[^\n]+\n {2}setting: {2}operations\."Shop\.price"\.cached: false/,
  );
});
