import { MlmcpError, type MlmcpErrorOptions } from "./mlmcp-error.js";

/** One thing that is wrong with a value: where in it, what, and what was received. */
export interface Issue {
  readonly path: string;
  readonly message: string;
  readonly received?: unknown;
}

/** The configuration, a decorator's options or the way a decorator is applied is wrong. Mended in code or in a file. */
export class ConfigurationError extends MlmcpError<Record<string, unknown>> {
  protected readonly publicMessage = "The service is misconfigured.";
  constructor(message: string, options?: MlmcpErrorOptions<Record<string, unknown>>) {
    super(message, { name: "ConfigurationError", code: "MLMCP_CONFIGURATION", retryable: false }, options);
  }
}

/** Arguments or a result do not match their schema. */
export class ValidationError extends MlmcpError<
  { operation?: string; issues?: readonly Issue[] } & Record<string, unknown>
> {
  protected readonly publicMessage = "The input is not valid.";
  constructor(
    message: string,
    options?: MlmcpErrorOptions<{ operation?: string; issues?: readonly Issue[] } & Record<string, unknown>>,
  ) {
    super(message, { name: "ValidationError", code: "MLMCP_VALIDATION", retryable: false }, options);
  }
}

/** A file or another source of data cannot be read as what it should be. */
export class DataLoadError extends MlmcpError {
  protected readonly publicMessage = "The data could not be loaded.";
  constructor(message: string, options?: MlmcpErrorOptions) {
    super(message, { name: "DataLoadError", code: "MLMCP_DATA_LOAD", retryable: false }, options);
  }
}

/** Work on data failed where neither the data's source nor its form is to blame. */
export class ProcessingError extends MlmcpError {
  protected readonly publicMessage = "The data could not be processed.";
  constructor(message: string, options?: MlmcpErrorOptions) {
    super(message, { name: "ProcessingError", code: "MLMCP_PROCESSING", retryable: false }, options);
  }
}

/** A model cannot be stored, found, verified or used. */
export class ModelError extends MlmcpError {
  protected readonly publicMessage = "The model is not available.";
  constructor(message: string, options?: MlmcpErrorOptions) {
    super(message, { name: "ModelError", code: "MLMCP_MODEL", retryable: false }, options);
  }
}

/** A call or an attempt took longer than it may. */
export class OperationTimeoutError extends MlmcpError<
  { operation?: string; timeoutMs?: number } & Record<string, unknown>
> {
  protected readonly publicMessage = "The operation took too long.";
  constructor(
    message: string,
    options?: MlmcpErrorOptions<{ operation?: string; timeoutMs?: number } & Record<string, unknown>>,
  ) {
    super(message, { name: "OperationTimeoutError", code: "MLMCP_TIMEOUT", retryable: true }, options);
  }
}

/** A breaker is open: the method was not called. */
export class CircuitOpenError extends MlmcpError<
  { operation?: string; retryAfterMs?: number } & Record<string, unknown>
> {
  protected readonly publicMessage = "The operation is suspended after repeated failures.";
  constructor(
    message: string,
    options?: MlmcpErrorOptions<{ operation?: string; retryAfterMs?: number } & Record<string, unknown>>,
  ) {
    super(message, { name: "CircuitOpenError", code: "MLMCP_CIRCUIT_OPEN", retryable: false }, options);
  }
}

/** All places of a bulkhead and its queue are taken: the method was not called. */
export class BulkheadFullError extends MlmcpError {
  protected readonly publicMessage = "Too many calls are running.";
  constructor(message: string, options?: MlmcpErrorOptions) {
    super(message, { name: "BulkheadFullError", code: "MLMCP_BULKHEAD_FULL", retryable: false }, options);
  }
}

/** More calls than a rate limit admits: the method was not called. */
export class RateLimitError extends MlmcpError {
  protected readonly publicMessage = "Too many calls in a short time.";
  constructor(message: string, options?: MlmcpErrorOptions) {
    super(message, { name: "RateLimitError", code: "MLMCP_RATE_LIMIT", retryable: false }, options);
  }
}

/** Memory, disk, descriptors or workers are used up. */
export class ResourceExhaustedError extends MlmcpError {
  protected readonly publicMessage = "The service is out of resources.";
  constructor(message: string, options?: MlmcpErrorOptions) {
    super(
      message,
      { name: "ResourceExhaustedError", code: "MLMCP_RESOURCE_EXHAUSTED", retryable: false },
      options,
    );
  }
}

/** A decorated method was called where no kernel runs for it. */
export class KernelNotStartedError extends MlmcpError {
  protected readonly publicMessage = "The service is not running.";
  constructor(message: string, options?: MlmcpErrorOptions) {
    super(
      message,
      { name: "KernelNotStartedError", code: "MLMCP_KERNEL_NOT_STARTED", retryable: false },
      options,
    );
  }
}

/** A plugin cannot be loaded, ordered, started or stopped, or breaks its contract. */
export class PluginError extends MlmcpError<{ plugin?: string } & Record<string, unknown>> {
  protected readonly publicMessage = "The service could not be started.";
  constructor(message: string, options?: MlmcpErrorOptions<{ plugin?: string } & Record<string, unknown>>) {
    super(message, { name: "PluginError", code: "MLMCP_PLUGIN", retryable: false }, options);
  }
}
