import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer, type ConnectionOptions } from "node:tls";
import type { Fault } from "./fault.js";

/** Whether this machine can make certificates. Where everything must be tested (`CI=true`) it has to. */
export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0 || process.env["CI"] === "true";

type At = (...names: string[]) => string;

/** An authority, one that it signed, and certificates for `localhost` by either; one of them has expired. */
export function prepareCertificates(at: At): void {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: at(), stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const request = (name: string, ...more: string[]) =>
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`, ...more);
  const sign = (name: string, by: string, ...more: string[]) => {
    const signer = ["-CA", `${by}.pem`, "-CAkey", `${by}.key`, "-CAcreateserial", "-copy_extensions", "copy"];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signer, "-out", `${name}.pem`, ...more);
  };
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "root.key",
    "-out",
    "root.pem",
    "-subj",
    "/CN=root",
    "-days",
    "2",
  );
  request("middle", "-addext", "basicConstraints=critical,CA:TRUE");
  sign("middle", "root", "-days", "2");
  for (const name of ["leaf", "old", "low"]) request(name, "-addext", "subjectAltName=DNS:localhost");
  sign("leaf", "root", "-days", "2");
  sign("low", "middle", "-days", "2");
  sign("old", "root", "-days", "-1");
}

/** @param at a path in the folder that {@link prepareCertificates} was given */
export function tls(at: At): Fault[] {
  const read = (...names: string[]) =>
    names.map((name) => readFileSync(at(`${name}.pem`), "utf8")).join("\n");

  /** Connects to a server with this certificate and those that it sends along. */
  async function meet(
    name: string,
    others: string[],
    options: () => ConnectionOptions = () => ({}),
  ): Promise<void> {
    const server = createServer({ key: readFileSync(at(`${name}.key`)), cert: read(name, ...others) });
    server.on("tlsClientError", () => undefined);
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ...options() });
    try {
      await once(socket, "secureConnect");
    } finally {
      socket.destroy();
      server.close();
    }
  }
  const trusting =
    (servername = "localhost") =>
    () => ({ ca: read("root"), servername });

  const suggestion = /^Check the certificate of/;
  return [
    ["CERT_HAS_EXPIRED", () => meet("old", [], trusting()), "permanent", suggestion],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", () => meet("root", []), "permanent", suggestion],
    ["SELF_SIGNED_CERT_IN_CHAIN", () => meet("leaf", ["root"]), "permanent", suggestion],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", () => meet("leaf", []), "permanent", suggestion],
    ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", () => meet("low", ["middle"]), "permanent", suggestion],
    [
      "ERR_TLS_CERT_ALTNAME_INVALID",
      () => meet("leaf", [], trusting("other.example")),
      "permanent",
      /^Check the certificate of other\.example/,
    ],
  ];
}
