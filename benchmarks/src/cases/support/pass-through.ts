import { createMethodDecorator, definePlugin } from "@mlmcp/core";

const schema = { type: "object", properties: {} };

/** Advice that does nothing but stand in the call path. */
const passThrough = (name: string) =>
  createMethodDecorator({
    name,
    schema,
    serves: { sync: true },
    parts: [{ at: "validate", around: (next) => (self, args) => next(self, args) }],
  });

export const [first, second, third, fourth, fifth] = [
  passThrough("first"),
  passThrough("second"),
  passThrough("third"),
  passThrough("fourth"),
  passThrough("fifth"),
] as const;

/** An observer that sees every call begin and end, and does nothing about it. */
export const observed = createMethodDecorator({
  name: "observed",
  schema,
  serves: { sync: true },
  parts: [{ observe: () => ({ start: () => undefined, end: () => undefined }) }],
});

export const passThroughPlugin = definePlugin({
  name: "pass-through",
  decorators: [first, second, third, fourth, fifth, observed],
});
