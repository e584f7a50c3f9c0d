import type { ErrorClass } from "./error-class.js";
import { read } from "./thrown.js";

const places = [
  ["status"],
  ["statusCode"],
  ["response", "status"],
  ["response", "statusCode"],
  ["$metadata", "httpStatusCode"],
] as const;

/**
 * The status with which an HTTP server answered, where the error carries one: its own `status` or
 * `statusCode`, that of its `response`, or an AWS client's. Only 400 to 599: other numbers by the
 * same name, such as the exit status of a child process, are something else.
 */
export function statusOf(error: unknown): number | undefined {
  for (const place of places) {
    const status = read(error, ...place);
    if (typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 599)
      return status;
  }
  return undefined;
}

/** Of 4xx and 5xx those that are unlike their kind (RFC 9110, 4918, 6585, 8470). */
const exceptions: Readonly<Record<number, ErrorClass>> = {
  408: "transient", // Request Timeout
  425: "transient", // Too Early
  429: "transient", // Too Many Requests
  501: "permanent", // Not Implemented
  505: "permanent", // HTTP Version Not Supported
  506: "permanent", // Variant Also Negotiates
  507: "resource", // Insufficient Storage
  508: "permanent", // Loop Detected
  510: "permanent", // Not Extended
  511: "permanent", // Network Authentication Required
};

/** A server that fails (5xx) may recover; a request that it refuses (4xx) stays refused. */
export function classifyStatus(status: number): ErrorClass {
  return exceptions[status] ?? (status >= 500 ? "transient" : "permanent");
}
