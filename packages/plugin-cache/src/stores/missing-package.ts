/** A store needs a package that is not installed. `mend` says how to install it. */
export class MissingPackageError extends Error {
  override readonly name = "MissingPackageError";
  readonly code = "MLMCP_CACHE_PACKAGE";
  readonly mend: string;

  constructor(name: string, cause: unknown) {
    super(`the package ${name} cannot be loaded`, { cause });
    this.mend = `Install it: \`npm install ${name}\`.`;
  }
}

/**
 * Loads a package that only those install who need it.
 *
 * @throws MissingPackageError
 */
export async function loadOptional<Library>(name: string, load: () => Promise<Library>): Promise<Library> {
  try {
    return await load();
  } catch (error) {
    throw new MissingPackageError(name, error);
  }
}
