import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ModelError, service } from "@mlmcp/core";
import { cached } from "@mlmcp/plugin-cache";
import { timed } from "@mlmcp/plugin-monitor";
import type { DelayModel } from "./trainer.js";

/** Where models are stored: a directory. */
export const MODELS_DIRECTORY = "models.directory";

/** What is stored together. */
export interface ModelSet {
  readonly models: readonly DelayModel[];
  readonly overall: DelayModel;
}

/** Keeps trained models in files that are named by their content and never change. */
@service([MODELS_DIRECTORY])
export class Models {
  constructor(private readonly directory: string) {}

  /** A reader sees the whole file or none: it is written aside and then renamed. */
  async save(set: ModelSet): Promise<{ id: string; file: string }> {
    const content = `${JSON.stringify(set, undefined, 1)}\n`;
    const id = digestOf(content);
    const file = this.fileOf(id);
    const aside = `${file}.${randomUUID()}.tmp`;
    await mkdir(this.directory, { recursive: true });
    await writeFile(aside, content);
    await rename(aside, file);
    return { id, file };
  }

  /** The model of an airport; that of all flights where the airport has none. */
  @timed()
  @cached()
  async load(id: string, airport: string): Promise<DelayModel> {
    const content = await readFile(this.fileOf(id), "utf8");
    if (digestOf(content) !== id)
      throw new ModelError(`${this.fileOf(id)} was changed after it was stored. Train again.`);
    const { models, overall } = JSON.parse(content) as ModelSet;
    return models.find((model) => model.airport === airport) ?? overall;
  }

  private fileOf(id: string): string {
    return join(this.directory, `delays-${id}.json`);
  }
}

function digestOf(content: string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
