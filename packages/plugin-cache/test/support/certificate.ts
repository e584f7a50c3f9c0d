import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { temporaryDirectory } from "../temporary.js";

/** Files in PEM format. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Whether this machine can make certificates. Where everything must be tested (`CI=true`) it has to. */
export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0 || process.env["CI"] === "true";

/** One for 127.0.0.1 that is vouched for by nobody but itself. */
export function makeCertificate(): Certificate {
  const folder = temporaryDirectory();
  const made = { certificate: join(folder, "server.pem"), key: join(folder, "server.key") };
  const files = ["-keyout", made.key, "-out", made.certificate];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const about = ["-subj", "/CN=cache", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", ...kind, ...files, ...about], { stdio: "pipe" });
  return made;
}
