import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openRcDocument } from "../../../src/config/writing/rc-document.js";
import { project } from "../project.js";

async function open(name: string, text: string) {
  const file = join(project({ [name]: text }), name);
  return { file, document: await openRcDocument(file) };
}

describe("an rc document that is saved", () => {
  it("makes a file that does not exist, with the mode that is asked for", async () => {
    const file = join(project(), ".mlmcprc.yaml");
    const document = await openRcDocument(file);
    expect(document.unset(["cache"])).toBe(false);
    document.set(["cache", "encryptionKey"], "hush");
    await document.save({ mode: 0o600 });
    expect(readFileSync(file, "utf8")).toBe("cache:\n  encryptionKey: hush\n");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("keeps the mode of a file, a symbolic link, and leaves nothing beside it", async () => {
    const { file } = await open("real.yaml", "cache: { ttl: 1 }\n");
    chmodSync(file, 0o640);
    const link = join(file, "..", ".mlmcprc.yaml");
    symlinkSync(file, link);
    const document = await openRcDocument(link);
    document.set(["cache", "ttl"], 2);
    await document.save();
    document.set(["cache", "ttl"], 3);
    await document.save();
    expect(readFileSync(file, "utf8")).toBe("cache: { ttl: 3 }\n");
    expect([statSync(file).mode & 0o777, lstatSync(link).isSymbolicLink()]).toEqual([0o640, true]);
    expect(readdirSync(join(file, "..")).toSorted()).toEqual([".mlmcprc.yaml", "real.yaml"]);
  });

  it("makes the file that a symbolic link leads to, and keeps the link", async () => {
    const root = project({ "real/": "" });
    const link = join(root, ".mlmcprc.yaml");
    symlinkSync("real/rc.yaml", link);
    const document = await openRcDocument(link);
    document.set(["cache", "ttl"], 2);
    await document.save();
    expect(readFileSync(join(root, "real/rc.yaml"), "utf8")).toBe("cache:\n  ttl: 2\n");
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readdirSync(join(root, "real"))).toEqual(["rc.yaml"]);
  });

  it("does not overwrite what somebody else has written meanwhile", async () => {
    const { file, document } = await open(".mlmcprc.yaml", "cache: { ttl: 1 }\n");
    document.set(["cache", "ttl"], 2);
    writeFileSync(file, "cache: { ttl: 3 }\n");
    await expect(document.save()).rejects.toMatchObject({ code: "MLMCP_CONFIG_CHANGED" });
    expect(readFileSync(file, "utf8")).toBe("cache: { ttl: 3 }\n");
  });

  it("says which file cannot be written, or read", async () => {
    const root = project({ "directory/": "" });
    const missing = await openRcDocument(join(root, "nowhere/.mlmcprc.yaml"));
    await expect(missing.save()).rejects.toMatchObject({
      code: "MLMCP_CONFIG_FILE",
      message: expect.stringMatching(/nowhere.*cannot be written.*ENOENT/),
    });
    await expect(openRcDocument(join(root, "directory"))).rejects.toMatchObject({
      code: "MLMCP_CONFIG_FILE",
    });
  });
});
