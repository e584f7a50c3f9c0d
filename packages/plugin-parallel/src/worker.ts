/**
 * What runs in a worker thread: an entry of its own in the build, found by its path. tinypool
 * imports it and calls the default export with each request.
 */
import type { MessagePort } from "node:worker_threads";
import { isDataCloneError, resultNotClonable } from "./clone.js";
import { encodeError } from "./error-codec.js";
import type { WorkerMessage, WorkerReply, WorkerRequest } from "./protocol.js";
import { workerSetup } from "./thread-state.js";
import { WorkerScope } from "./worker-scope.js";

let scope: WorkerScope | undefined;
let replies: MessagePort | undefined;

export default async function handle({ port, ...request }: WorkerMessage): Promise<void> {
  replies = port ?? replies;
  let reply: WorkerReply;
  try {
    reply = { ok: true, value: await answer(request) };
  } catch (error) {
    reply = { ok: false, error: encodeError(error) };
  }
  try {
    replies!.postMessage(reply);
  } catch (cause) {
    // Posted here and not returned to tinypool: it would post where nothing catches this.
    const error =
      isDataCloneError(cause) && request.kind === "run"
        ? resultNotClonable(scope!.labelOf(request.id), (reply as { value?: unknown }).value, cause)
        : cause;
    replies!.postMessage({ ok: false, error: encodeError(error) } satisfies WorkerReply);
  }
}

async function answer(request: WorkerRequest): Promise<unknown> {
  scope ??= new WorkerScope(workerSetup()!);
  switch (request.kind) {
    case "load":
      return scope.load(request);
    case "run":
      return scope.run(request);
    case "stop":
      return scope.stop();
  }
}
