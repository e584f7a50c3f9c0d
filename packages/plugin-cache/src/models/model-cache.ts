import { access } from "node:fs/promises";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { isMlmcpError } from "@mlmcp/core";
import { takeArtifact } from "./artifact.js";
import { codeOf } from "./files.js";
import { misnamed, staged, taken, unusable } from "./model-errors.js";
import { ModelFiles } from "./model-files.js";
import type { GivenMetadata, Manifest, ModelMetadata } from "./model-info.js";
import { describe, findManifest, latestFirst, stagesByVersion, stagesOf } from "./model-lookup.js";
import { checkModelOptions } from "../options/models.js";
import { checkName, checkVersion, parseReference } from "./model-name.js";
import { decodeArtifact, readArtifact } from "./reading.js";
import { pack, type FlowOptions, type PackingOptions } from "./packing.js";
import { plainMetadata } from "./plain-metadata.js";
import { publishAs, publishNext } from "./publishing.js";
import { outlived, type Retention } from "./retention.js";
import { writeWhole } from "./write-whole.js";

export interface ModelSettings extends PackingOptions {
  /** Absolute. */
  readonly directory: string;
  readonly retention: Retention;
}

/** Told what happens to models. */
export interface ModelObserver {
  saved(metadata: ModelMetadata): void;
  loaded(metadata: ModelMetadata): void;
  deleted(model: { readonly name: string; readonly version: string }): void;
  promoted(model: { readonly name: string; readonly version: string; readonly stage: string }): void;
}

export interface SaveModelOptions extends FlowOptions {
  readonly metadata?: GivenMetadata;
  /** @default one more than the greatest whole number among the versions */
  readonly version?: string | number;
}

export interface LoadModelOptions extends FlowOptions {
  /** `"bytes"` gives a Buffer, `"stream"` a stream of bytes. @default as it was given; a file as a stream */
  readonly as?: "bytes" | "stream";
}

export interface LoadedModel<Model> {
  readonly model: Model;
  readonly metadata: ModelMetadata;
}

export interface ModelStatistics {
  readonly models: number;
  readonly versions: number;
  /** Of all artifacts as they were given; equal ones count each time. */
  readonly bytes: number;
}

/**
 * Keeps what was trained or computed at great cost: any value, bytes, a stream or a file, in
 * versions, with what is known of it. A version is there whole or not at all, also where several
 * processes write or one is killed; what was saved is verified whenever it is loaded.
 *
 * ```ts
 * const models = kernel.resolve(ModelCache);
 * await models.saveModel("churn", weights, { metadata: { metrics: { auc: 0.91 }, features: ["age"] } });
 * await models.promote("churn@production");
 * const { model, metadata } = await models.loadModel("churn@production");
 * ```
 */
export class ModelCache {
  readonly #settings: () => Promise<ModelSettings>;
  readonly #observer: ModelObserver;
  #opened: { readonly directory: string; readonly files: Promise<ModelFiles> } | undefined;

  /** @param settings asked at each call, since a reload may change them. */
  constructor(settings: () => Promise<ModelSettings>, observer: ModelObserver) {
    this.#settings = settings;
    this.#observer = observer;
  }

  /** Whether its directory has been used. */
  get isOpen(): boolean {
    return this.#opened !== undefined;
  }

  /**
   * Saves a model as a new version, and deletes those that have outlived their time.
   *
   * @param model a Buffer, a stream or an iterable of bytes, `{ file }`, or any value that the cache can keep
   * @throws ModelError `MLMCP_MODEL_EXISTS` where the version is there already, `MLMCP_MODEL_ARTIFACT`
   * for what cannot be stored, `MLMCP_MODEL_METADATA`, `MLMCP_MODEL_NAME`, `MLMCP_MODEL_FILES`
   * @throws ValidationError (`MLMCP_CACHE_OPTIONS`) for wrong options, such as a metric that is no number
   */
  async saveModel(name: string, model: unknown, options: SaveModelOptions = {}): Promise<ModelMetadata> {
    checkName("name", name);
    checkModelOptions("saveModel", options);
    const version = options.version === undefined ? undefined : checkVersion(String(options.version));
    const metadata = plainMetadata(name, options.metadata ?? {});
    const artifact = takeArtifact(name, model);
    const { files, settings } = await this.#open();
    const manifest = await this.#reporting(`The model ${name} cannot be saved`, async () => {
      if (version !== undefined && (await files.manifest(name, version))) throw taken(name, version);
      const flow = await artifact();
      const draft = await files.draft();
      try {
        const packed = await pack(name, flow, draft.artifact, settings, options);
        const { kind } = flow;
        const { size, sha256, packing } = packed;
        const created = Date.now();
        const facts = { name, created, kind, size, sha256, packing, metadata };
        const manifestOf = (each: string): Manifest => ({ format: 1, version: each, ...facts });
        return version === undefined
          ? await publishNext(files, draft, packed.blob, manifestOf)
          : await publishAs(files, draft, packed.blob, manifestOf(version));
      } finally {
        flow.bytes.destroy();
        await files.discard(draft);
      }
    });
    await this.#prune(files, name, settings.retention);
    const saved = describe(manifest, []);
    this.#observer.saved(saved);
    return saved;
  }

  /**
   * The model and what is known of it.
   *
   * @param reference `churn` for the latest version, `churn:3`, or `churn@production`
   * @throws ModelError `MLMCP_MODEL_UNKNOWN`; `MLMCP_MODEL_DAMAGED` where the artifact is not as it
   * was saved. A stream fails with it at its end at the latest.
   */
  async loadModel(
    reference: string,
    options: LoadModelOptions & { as: "bytes" },
  ): Promise<LoadedModel<Buffer>>;
  async loadModel(
    reference: string,
    options: LoadModelOptions & { as: "stream" },
  ): Promise<LoadedModel<Readable>>;
  async loadModel<Model = unknown>(
    reference: string,
    options?: LoadModelOptions,
  ): Promise<LoadedModel<Model>>;
  async loadModel(reference: string, options: LoadModelOptions = {}): Promise<LoadedModel<unknown>> {
    checkModelOptions("loadModel", options);
    const { files, settings } = await this.#open();
    const manifest = await findManifest(files, reference);
    const metadata = describe(manifest, await stagesOf(files, manifest));
    const bytes = readArtifact(files, manifest, settings.keys, options);
    const as = options.as ?? manifest.kind;
    if (as === "stream") {
      this.#observer.loaded(metadata);
      return { model: bytes, metadata };
    }
    const whole = await buffer(bytes);
    const model = as === "bytes" ? whole : await decodeArtifact(manifest, whole);
    this.#observer.loaded(metadata);
    return { model, metadata };
  }

  /**
   * Writes a model's bytes to a file, whole or not at all; makes its folder where that is missing.
   *
   * @param options.overwrite replaces a file that is there. @default false
   */
  async exportModel(
    reference: string,
    file: string,
    options: FlowOptions & { readonly overwrite?: boolean } = {},
  ): Promise<ModelMetadata> {
    checkModelOptions("exportModel", options);
    const { overwrite = false, ...flow } = options;
    const { model, metadata } = await this.loadModel(reference, { ...flow, as: "stream" });
    await writeWhole(resolve(file), model, { overwrite });
    return metadata;
  }

  /**
   * What is known of one version.
   *
   * @throws ModelError `MLMCP_MODEL_UNKNOWN`
   */
  async describe(reference: string): Promise<ModelMetadata> {
    const { files } = await this.#open();
    const manifest = await findManifest(files, reference);
    return describe(manifest, await stagesOf(files, manifest));
  }

  /** What is known of the versions of one model, or of all; by name, the latest version first. */
  async list(name?: string): Promise<ModelMetadata[]> {
    const { files } = await this.#open();
    const names = name === undefined ? await files.names() : [checkName("name", name)];
    const known: ModelMetadata[] = [];
    for (const each of names) {
      const onStages = await stagesByVersion(files, each);
      for (const manifest of latestFirst(await files.manifests(each))) {
        known.push(describe(manifest, onStages.get(manifest.version) ?? []));
      }
    }
    return known;
  }

  /**
   * Deletes a model with all versions and stages, or one version.
   *
   * @param options.force deletes a version though it stands on a stage. @default false
   * @returns how many versions there were to delete
   * @throws ModelError `MLMCP_MODEL_STAGED`
   */
  async delete(reference: string, options: { readonly force?: boolean } = {}): Promise<number> {
    const { name, version, stage } = parseReference(reference);
    const { files } = await this.#open();
    if (stage !== undefined) {
      throw misnamed(`${reference} is a stage. Delete the version: "${name}:<version>".`, { name, stage });
    }
    const going = (await files.versions(name)).filter((each) => version === undefined || each === version);
    if (version === undefined) await files.deleteModel(name);
    for (const each of going) {
      if (version !== undefined) {
        const stages = options.force ? [] : await stagesOf(files, { name, version }, "fails");
        if (stages.length > 0) throw staged(reference, { name, version, stages });
        await files.delete(name, version);
      }
      this.#observer.deleted({ name, version: each });
    }
    await files.sweepBlobs();
    return going.length;
  }

  /**
   * Puts a version on a stage, at once for all who load it from now on.
   *
   * @param version @default the latest
   */
  async promote(reference: string, version?: string | number): Promise<ModelMetadata> {
    const { name, stage, version: named } = parseReference(reference);
    if (stage === undefined) {
      const given = `"${name}@production"${named === undefined ? "" : `, and the version after it: ${named}`}`;
      throw misnamed(`${JSON.stringify(reference)} names no stage. Give one: ${given}.`, { name });
    }
    const { files } = await this.#open();
    const manifest = await findManifest(files, version === undefined ? name : `${name}:${version}`);
    await files.promote(name, stage, { version: manifest.version, at: Date.now() });
    this.#observer.promoted({ name, version: manifest.version, stage });
    return describe(manifest, await stagesOf(files, manifest));
  }

  /** Who stands on a stage and who did before, the latest first. */
  async history(reference: string): Promise<ReadonlyArray<{ readonly version: string; readonly at: Date }>> {
    const { name, stage } = parseReference(reference);
    const { files } = await this.#open();
    const promotions = stage === undefined ? [] : await files.promotions(name, stage);
    return promotions.map(({ version, at }) => ({ version, at: new Date(at) }));
  }

  /** Deletes the versions that have outlived their time, of one model or of all; answers how many. */
  async prune(name?: string): Promise<number> {
    const { files, settings } = await this.#open();
    const names = name === undefined ? await files.names() : [checkName("name", name)];
    let gone = 0;
    for (const each of names) gone += await this.#prune(files, each, settings.retention);
    return gone;
  }

  async stats(): Promise<ModelStatistics> {
    const known = await this.list();
    return {
      models: new Set(known.map(({ name }) => name)).size,
      versions: known.length,
      bytes: known.reduce((sum, { size }) => sum + size, 0),
    };
  }

  /** Rejects where models cannot be kept. */
  async ping(): Promise<void> {
    const { files } = await this.#open();
    await access(files.root);
  }

  async #open(): Promise<{ files: ModelFiles; settings: ModelSettings }> {
    const settings = await this.#settings();
    const { directory } = settings;
    if (this.#opened?.directory !== directory) {
      const files = new ModelFiles(directory);
      const opening = this.#reporting(`Models cannot be kept in ${directory}`, async () => {
        await files.prepare();
        return files;
      });
      this.#opened = { directory, files: opening };
      // The next one tries again.
      opening.catch(() => (this.#opened = undefined));
    }
    return { files: await this.#opened.files, settings };
  }

  async #prune(files: ModelFiles, name: string, retention: Retention): Promise<number> {
    if (retention.keep === undefined && retention.maxAge === undefined) return 0;
    const versions = latestFirst(await files.manifests(name));
    const onStages = await stagesByVersion(files, name, "fails");
    const going = outlived(versions, new Set(onStages.keys()), retention);
    for (const { version } of going) {
      if (await files.delete(name, version)) this.#observer.deleted({ name, version });
    }
    if (going.length > 0) await files.sweepBlobs();
    return going.length;
  }

  /** Says of an error of the file system what it was about. */
  async #reporting<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (isMlmcpError(cause) || codeOf(cause) === undefined || codeOf(cause) === "ABORT_ERR") throw cause;
      throw unusable(what, cause);
    }
  }
}
