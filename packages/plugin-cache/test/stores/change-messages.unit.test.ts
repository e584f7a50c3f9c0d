import { expect, it } from "vitest";
import { ChangeListeners } from "../../src/stores/change-listeners.js";
import { ChangeMessages } from "../../src/stores/change-messages.js";
import type { Change } from "../../src/stores/store.js";

const change: Change = { kind: "key", key: "k" };

/** What one who says these tells his listeners. */
function told(reader: ChangeMessages, ...texts: readonly string[]): unknown[] {
  const seen: unknown[] = [];
  const listeners = new ChangeListeners();
  listeners.add({ changed: (each) => seen.push(each), missed: () => seen.push("missed") });
  for (const text of texts) reader.read(text, listeners);
  return seen;
}

it("tells what others have changed, and nothing of what one has changed oneself", () => {
  const [own, others] = [new ChangeMessages(), new ChangeMessages()];
  expect(told(own, own.write(change), others.write(change), own.write(), others.write())).toEqual([
    change,
    "missed",
  ]);
});

it.each(["{}", "", "null", "{", "5", '{"from":"'])("takes %j for changes that were missed", (text) => {
  expect(told(new ChangeMessages(), text)).toEqual(["missed"]);
});
