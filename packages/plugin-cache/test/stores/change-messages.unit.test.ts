import { expect, it } from "vitest";
import { ChangeListeners } from "../../src/stores/change-listeners.js";
import { ChangeMessages } from "../../src/stores/change-messages.js";
import type { Change } from "../../src/stores/store.js";

const change: Change = { kind: "key", key: "k" };
const tag: Change = { kind: "version", name: "tag:a", version: "v" };

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
  const said = [own.write([change, tag]), others.write([tag, change]), others.write([])];
  expect(told(own, ...said, own.write([]))).toEqual([tag, change, "missed"]);
});

it.each(["{}", "", "null", "{", "5", '{"from":"', '{"changes":5}'])(
  "takes %j for changes that were missed",
  (text) => {
    expect(told(new ChangeMessages(), text)).toEqual(["missed"]);
  },
);
