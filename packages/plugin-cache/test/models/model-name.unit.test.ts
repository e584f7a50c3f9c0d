import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromFileName, parseReference, toFileName } from "../../src/models/model-name.js";

describe("the name of a model", () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,20}[a-zA-Z0-9_-])?$/);

  it("comes back from the name of its directory", () => {
    fc.assert(
      fc.property(name, (given) => {
        expect(fromFileName(toFileName(given))).toBe(given);
      }),
    );
  });

  it("is another directory than every other name, also where case does not count", () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        const same = toFileName(one).toLowerCase() === toFileName(other).toLowerCase();
        expect(same).toBe(one === other);
      }),
    );
    expect(toFileName("Churn")).not.toBe(toFileName("churn"));
  });

  it.each(["con", "NUL", "com1", "aux.v2", "LPT9"])("%s is not a device on Windows", (device) => {
    expect(toFileName(device)).not.toMatch(/^(con|nul|aux|prn|com\d|lpt\d)(\.|$)/i);
    expect(fromFileName(toFileName(device))).toBe(device);
  });

  it("may have a version or a stage", () => {
    expect(parseReference("churn")).toEqual({ name: "churn" });
    expect(parseReference("churn:1.4.0+7")).toEqual({ name: "churn", version: "1.4.0+7" });
    expect(parseReference("churn@production")).toEqual({ name: "churn", stage: "production" });
  });

  it.each(["churn:", "churn@", ":1", "@a", "a:b/c", "a@b/c", "a:1@b", "a b"])("%j is none", (reference) => {
    expect(() => parseReference(reference)).toThrow(expect.objectContaining({ code: "MLMCP_MODEL_NAME" }));
  });
});
