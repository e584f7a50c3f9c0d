import {
  BulkheadFullError,
  CircuitOpenError,
  ConfigurationError,
  DataLoadError,
  KernelNotStartedError,
  ModelError,
  OperationTimeoutError,
  PluginError,
  ProcessingError,
  RateLimitError,
  ResourceExhaustedError,
  ValidationError,
} from "@mlmcp/core";
import { cacheable } from "./classes.js";

// What methods throw may be kept, and the framework's own errors are among it. By names of their
// own, since minifiers rename classes.
for (const [name, Class] of Object.entries({
  BulkheadFullError,
  CircuitOpenError,
  ConfigurationError,
  DataLoadError,
  KernelNotStartedError,
  ModelError,
  OperationTimeoutError,
  PluginError,
  ProcessingError,
  RateLimitError,
  ResourceExhaustedError,
  ValidationError,
})) {
  cacheable<Error>(Class, { id: `@mlmcp/core/${name}` });
}
