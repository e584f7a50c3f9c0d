import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMlmcpError, makeFolder } from "@mlmcp/core";
import { codeOf, flushDirectory, privateDirectory, removeWhole, unlessMissing, writeNew } from "./files.js";
import { damagedManifest, damagedPromotion } from "./model-errors.js";
import { checkManifest, type Manifest } from "./model-info.js";
import { fromFileName, toFileName } from "./model-name.js";

/** What has been written for this long by nobody belongs to a process that died. Milliseconds. */
const abandonedAfter = 3_600_000;

/** A version in the making: a directory of its own, which nobody else looks into. */
export interface Draft {
  readonly directory: string;
  /** Where its artifact is to be written. */
  readonly artifact: string;
}

/**
 * The directory of all models:
 *
 *     blobs/<sha256>                        each different artifact once, as it is packed
 *     models/<name>/versions/<version>/     manifest.json, and artifact: a hard link to its blob
 *     models/<name>/stages/<stage>/<n>.json who stands on the stage, the greatest `n` at present
 *     drafts/                               what is being written
 *
 * A version is made aside and renamed into place, so that it is there whole or not at all. Blobs
 * are counted by the file system: the one that has no other link belongs to nobody.
 */
export class ModelFiles {
  /** What a warning was given of. */
  readonly #passedOver = new Set<string>();

  constructor(readonly root: string) {}

  /** Makes the directories, and takes away what dead processes left. */
  async prepare(): Promise<void> {
    for (const directory of ["blobs", "models", "drafts"]) {
      await makeFolder(join(this.root, directory), privateDirectory);
    }
    await this.#sweepDrafts();
    await this.sweepBlobs();
  }

  async names(): Promise<string[]> {
    return (await list(join(this.root, "models"))).map(fromFileName).sort();
  }

  /** All that there are, also those that cannot be read. */
  async versions(name: string): Promise<string[]> {
    return (await list(join(this.#model(name), "versions"))).map(fromFileName);
  }

  /** Those that can be read, in no particular order; of others there is a warning. */
  async manifests(name: string): Promise<Manifest[]> {
    const manifests = await Promise.all(
      (await this.versions(name)).map((version) =>
        this.manifest(name, version).catch((error: unknown) => this.#passOver(error)),
      ),
    );
    return manifests.filter((manifest) => manifest !== undefined);
  }

  /** @throws ModelError `MLMCP_MODEL_DAMAGED` where there is one that cannot be read */
  async manifest(name: string, version: string): Promise<Manifest | undefined> {
    const file = join(this.#version(name, version), "manifest.json");
    const text = await unlessMissing(readFile(file, "utf8"));
    if (text === undefined) return undefined;
    try {
      return checkManifest(JSON.parse(text), { name, version });
    } catch (cause) {
      throw damagedManifest(file, { name, version }, cause);
    }
  }

  artifact(name: string, version: string): string {
    return join(this.#version(name, version), "artifact");
  }

  async draft(): Promise<Draft> {
    const directory = join(this.root, "drafts", randomUUID());
    await mkdir(directory, { mode: privateDirectory });
    return { directory, artifact: join(directory, "artifact") };
  }

  async discard({ directory }: Draft): Promise<void> {
    await rm(directory, { recursive: true, force: true });
  }

  /**
   * Puts a draft into place as a version. Answers whether it could: another one may have the name.
   *
   * @param blob what the draft's artifact is called among all artifacts
   */
  async publish(draft: Draft, blob: string, manifest: Manifest): Promise<boolean> {
    const { name, version } = manifest;
    const text = join(draft.directory, "manifest.json");
    await rm(text, { force: true });
    await writeNew(text, `${JSON.stringify(manifest, null, 2)}\n`);
    await this.#share(draft, blob);
    await flushDirectory(draft.directory);
    const versions = join(this.#model(name), "versions");
    for (;;) {
      await makeFolder(versions, privateDirectory);
      try {
        await rename(draft.directory, this.#version(name, version));
        await flushDirectory(versions);
        return true;
      } catch (error) {
        const isTaken = ["ENOTEMPTY", "EEXIST", "EPERM"].includes(codeOf(error) ?? "");
        if (isTaken && (await isThere(this.#version(name, version)))) return false;
        // Somebody deleted the model meanwhile; where it was the draft, there is nothing to publish.
        if (codeOf(error) !== "ENOENT" || !(await isThere(draft.directory))) throw error;
      }
    }
  }

  /** Answers whether it was there. */
  async delete(name: string, version: string): Promise<boolean> {
    return removeWhole(this.#version(name, version), join(this.root, "drafts"));
  }

  /** Takes away a model with all that belongs to it. */
  async deleteModel(name: string): Promise<boolean> {
    return removeWhole(this.#model(name), join(this.root, "drafts"));
  }

  async stages(name: string): Promise<string[]> {
    return (await list(join(this.#model(name), "stages"))).map(fromFileName).sort();
  }

  /**
   * Who stands on a stage, and who did before; the latest first.
   *
   * @throws ModelError `MLMCP_MODEL_DAMAGED`
   */
  async promotions(name: string, stage: string): Promise<Promotion[]> {
    const directory = this.#stage(name, stage);
    const numbers = await numbersIn(directory);
    const promotions = await Promise.all(
      numbers
        .sort((one, other) => other - one)
        .map(async (number) => {
          const file = join(directory, `${number}.json`);
          const text = await unlessMissing(readFile(file, "utf8"));
          if (text === undefined) return [];
          try {
            const { version, at } = JSON.parse(text) as Promotion;
            if (typeof version === "string" && typeof at === "number") return [{ version, at }];
            throw new Error("it names no version");
          } catch (cause) {
            throw damagedPromotion(file, { name, stage }, cause);
          }
        }),
    );
    return promotions.flat();
  }

  /** Of several who promote at the same time each gets a number, and the last one the stage. */
  async promote(name: string, stage: string, promotion: Promotion): Promise<void> {
    const directory = this.#stage(name, stage);
    await makeFolder(directory, privateDirectory);
    const draft = join(this.root, "drafts", `${randomUUID()}.json`);
    await writeNew(draft, `${JSON.stringify(promotion)}\n`);
    try {
      for (;;) {
        const numbers = await numbersIn(directory);
        try {
          await link(draft, join(directory, `${Math.max(0, ...numbers) + 1}.json`));
          return await flushDirectory(directory);
        } catch (error) {
          if (codeOf(error) !== "EEXIST") throw error;
        }
      }
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** Deletes the artifacts that belong to no version any more; answers how many bytes they had. */
  async sweepBlobs(): Promise<number> {
    let bytes = 0;
    const directory = join(this.root, "blobs");
    for (const blob of await list(directory)) {
      const found = await unlessMissing(stat(join(directory, blob)));
      // Whoever links to it at this moment finds it gone and puts it there again.
      if (!found || found.nlink > 1) continue;
      await rm(join(directory, blob), { force: true });
      bytes += found.size;
    }
    return bytes;
  }

  /** Keeps one copy of equal artifacts. */
  async #share({ directory, artifact }: Draft, blob: string): Promise<void> {
    const shared = join(this.root, "blobs", blob);
    const linked = join(directory, "shared");
    try {
      await link(artifact, shared);
      return;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    // It may go before it is linked to; then this version keeps the copy that it has.
    if (!(await unlessMissing(link(shared, linked).then(() => true)))) return;
    if ((await stat(linked)).size === (await stat(artifact)).size) await rename(linked, artifact);
    await rm(linked, { force: true });
  }

  async #sweepDrafts(): Promise<void> {
    const directory = join(this.root, "drafts");
    const before = Date.now() - abandonedAfter;
    for (const draft of await list(directory)) {
      const path = join(directory, draft);
      const times = await Promise.all(
        [path, join(path, "artifact")].map(async (each) => (await unlessMissing(stat(each)))?.mtimeMs ?? 0),
      );
      if (Math.max(...times) < before) await rm(path, { recursive: true, force: true });
    }
  }

  /** What is damaged must not keep others from being used; who relies on it meets the error. */
  #passOver(error: unknown): undefined {
    if (!isMlmcpError(error)) throw error;
    if (this.#passedOver.has(error.message)) return;
    this.#passedOver.add(error.message);
    process.emitWarning(error.message, { code: error.code });
  }

  #model(name: string): string {
    return join(this.root, "models", toFileName(name));
  }

  #version(name: string, version: string): string {
    return join(this.#model(name), "versions", toFileName(version));
  }

  #stage(name: string, stage: string): string {
    return join(this.#model(name), "stages", toFileName(stage));
  }
}

/** That a version was put on a stage. */
export interface Promotion {
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

async function list(directory: string): Promise<string[]> {
  return (await unlessMissing(readdir(directory))) ?? [];
}

async function isThere(path: string): Promise<boolean> {
  return (await unlessMissing(stat(path))) !== undefined;
}

/** Of promotions; other files are nobody's. */
async function numbersIn(directory: string): Promise<number[]> {
  const files = await list(directory);
  return files.flatMap((file) => (/^\d{1,15}\.json$/.test(file) ? [Number.parseInt(file, 10)] : []));
}
