import type { ModelMetadata } from "./model-info.js";

type NamedVersion = Pick<ModelMetadata, "name" | "version">;

declare module "@mlmcp/core" {
  interface MlmcpEvents {
    /** A version of a model was saved; `size` in bytes. */
    "model:saved": NamedVersion & { readonly size: number };
    /** A version of a model was loaded, or its stream begun; `size` in bytes. */
    "model:loaded": NamedVersion & { readonly size: number };
    /** A version of a model was deleted, by hand or since it had outlived its time. */
    "model:deleted": NamedVersion;
    /** A version of a model was put on a stage. */
    "model:promoted": NamedVersion & { readonly stage: string };
  }
}
