import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { ModelCache } from "../../src/models/model-cache.js";

/**
 * One process of several that save models in one directory. `save <directory> <count>` prints the
 * versions that it saved; `forever <directory>` goes on until it is killed; `large <directory>
 * <megabytes>` saves and loads a stream and prints how much memory that took at most.
 */
const [, , role, directory = "", third = "0"] = process.argv;

const models = new ModelCache(async () => ({ directory, retention: {}, compress: false, keys: undefined }), {
  saved: () => undefined,
  loaded: () => undefined,
  deleted: () => undefined,
  promoted: () => undefined,
});

if (role === "save") await save(Number(third));
else if (role === "forever") await forever();
else await large(Number(third));

async function save(count: number): Promise<void> {
  const versions: string[] = [];
  for (let index = 0; index < count; index++) {
    versions.push((await models.saveModel("shared", Buffer.from(`model ${index % 5}`))).version);
  }
  console.log(JSON.stringify(versions));
}

async function forever(): Promise<void> {
  for (;;) {
    const { version } = await models.saveModel("shared", randomBytes(200_000));
    console.log(version);
  }
}

async function large(megabytes: number): Promise<void> {
  let peak = 0;
  const measure = (): void => void (peak = Math.max(peak, process.memoryUsage().rss));
  const before = process.memoryUsage().rss;
  const chunk = randomBytes(1 << 20);
  const source = Readable.from(
    (function* () {
      for (let index = 0; index < megabytes; index++) yield chunk;
    })(),
  );
  const { size } = await models.saveModel("large", source, { onProgress: measure });
  const { model } = await models.loadModel("large", { as: "stream", onProgress: measure });
  let read = 0;
  for await (const bytes of model) read += (bytes as Buffer).length;
  console.log(JSON.stringify({ size, read, grown: peak - before }));
}
