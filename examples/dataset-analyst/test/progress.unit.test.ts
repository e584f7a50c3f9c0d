import { expect, it } from "vitest";
import { Progress } from "../src/progress.js";
import { Steps } from "../src/steps.js";

async function written(isTTY: boolean): Promise<string> {
  let text = "";
  const steps = new Steps(new Progress({ isTTY, write: (part: string) => (text += part) }));
  await steps.run("first", async () => 1);
  await steps.run("second", async (check) => check(false, "no rows"));
  expect(steps.held).toBe(false);
  return text.replaceAll(/, [\d.]+ m?s/g, ", 1 ms");
}

it("tells progress in one line that changes on a terminal", async () => {
  const line = "\r\u001b[2K";
  expect(await written(true)).toBe(
    `${line}1. first …${line}1. first: held, 1 ms\n${line}2. second …${line}2. second: FAILED: no rows, 1 ms\n`,
  );
});

it("tells progress line by line elsewhere", async () => {
  expect(await written(false)).toBe("1. first: held, 1 ms\n2. second: FAILED: no rows, 1 ms\n");
});
