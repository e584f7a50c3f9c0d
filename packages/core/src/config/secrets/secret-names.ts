/** Words that name a secret, in the singular. Of two words the `_` may be left out. */
const words = [
  ...["password", "passwd", "pwd", "passphrase", "secret", "token", "credential", "bearer", "authorization"],
  ...["api_key", "access_key", "account_key", "auth_key", "signing_key", "encryption_key", "private_key"],
  ...["cookie", "session_id"],
];
/** Those that other words end in, such as `opinion` nearly does: they count only where they stand alone. */
const shortWords = ["jwt", "otp", "pin", "cvv", "cvc", "ssn"];

const anyOf = (some: readonly string[]): string => `(?:${some.join("|").replaceAll("_", "_?")})`;
const [all, long] = [anyOf([...words, ...shortWords]), anyOf(words)];
const namesSecret = new RegExp(`(?:^|_)${all}s?(?:_|$)|${long}s?$|(?:^|_)pass$`);
const namesOneSecret = new RegExp(`(?:^|_)${all}$|${long}$`);

/**
 * Whether a text under this key is to be taken for a secret: of `dbPassword`, `x-api-key`,
 * `AUTH_TOKEN`, `dbpassword` and `tokenPath` it is, of `tokenizer` and `secretary` it is not.
 */
export function isSecretName(name: string): boolean {
  return namesSecret.test(wordsOf(name));
}

/** The same of a number, or of a parameter within a text: not of `maxTokens` nor of `passwordLength`. */
export function namesSecretItself(name: string): boolean {
  return namesOneSecret.test(wordsOf(name));
}

/** In lower case, with `_` between the words. */
function wordsOf(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .replaceAll(/[-\s.]/g, "_")
    .toLowerCase();
}
