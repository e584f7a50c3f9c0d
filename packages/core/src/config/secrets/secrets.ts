/** Reads secrets that a configuration names instead of holding them: `secret://<provider>/<path>`. */
export interface SecretResolver {
  /** The part of the reference after `secret://`: `vault`. */
  readonly provider: string;
  /**
   * The secret at a path. It runs before any plugin has started, and again at each reload.
   *
   * @param path what follows the provider: `db/password` in `secret://vault/db/password`
   */
  resolve(
    path: string,
    from: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
  ): string | Promise<string>;
}

/** What stands for a secret wherever a configuration is shown. */
export const REDACTED = "[secret]";

/** Whether a text stands for a secret, well written or not. */
export function isSecretReference(text: string): boolean {
  return text.startsWith("secret://");
}
