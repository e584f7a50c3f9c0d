// Reads the entries of one directory and writes entries of its own, as another version of Node.js.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createEntryCodec } from "./awaited.js";
import { copyOf } from "../../src/values/snapshot.js";
import { entryOf, samples, shown } from "./node-versions.samples.js";

const codec = createEntryCodec({ compressOver: 100 });
const directory = process.argv[2]!;

const read: Record<string, string> = {};
for (const name of readdirSync(directory)) {
  const { snapshot } = await codec.open(name, readFileSync(join(directory, name)));
  read[name] = shown(copyOf(snapshot));
}

const newer: Record<string, unknown> = {};
const { Float16Array: Half } = globalThis as { Float16Array?: Float32ArrayConstructor };
if (Half) newer["half floats"] = new Half([1.5, 2]);
try {
  newer["modifiers"] = [new RegExp("(?i:a)b")];
} catch {
  // This version does not have them.
}

const written: Record<string, string> = {};
for (const [name, value] of Object.entries({ ...samples(), ...newer })) {
  written[name] = Buffer.from(await codec.seal(name, entryOf(value))).toString("base64");
}
process.stdout.write(JSON.stringify({ version: process.version, read, written }));
