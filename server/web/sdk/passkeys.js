/**
 * Passkeys: signing in with one, and adding one to an account.
 * @module
 */

/** @import { Photofeed } from "./index.js" */
/** @import { Passkey, SignedIn } from "./types.js" */

/** Whether this browser can use passkeys. */
export function passkeysSupported() {
  return typeof globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON === "function";
}

/**
 * Sign in with a passkey of the user's choice. Rejects with a `NotAllowedError` if the user cancels.
 * @param {Photofeed} client
 * @param {AbortSignal} [signal]
 * @returns {Promise<SignedIn>}
 */
export async function signInWithPasskey(client, signal) {
  const options = await client.post("/auth/passkeys/sign-in/begin", { authenticated: false, signal });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(/** @type {any} */ (options.publicKey));
  const credential = await navigator.credentials.get({ publicKey, signal });
  const deviceToken = client.session.deviceToken ?? undefined;
  const signedIn = await client.post("/auth/passkeys/sign-in/finish", {
    authenticated: false,
    body: { credential: json(credential), deviceToken },
    signal,
  });
  client.session.begin(signedIn);
  return signedIn;
}

/**
 * Create a passkey for the account. It needs a reauthentication, or the password.
 * @param {Photofeed} client
 * @param {{ name?: string, password?: string, code?: string }} [options]
 * @returns {Promise<Passkey>}
 */
export async function addPasskey(client, { name, ...proof } = {}) {
  const options = await client.post("/auth/passkeys/register/begin", { body: proof });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(/** @type {any} */ (options.publicKey));
  const credential = await navigator.credentials.create({ publicKey });
  return client.post("/auth/passkeys/register/finish", { body: { credential: json(credential), name } });
}

/**
 * @param {Credential | null} credential
 * @returns {any}
 */
function json(credential) {
  return /** @type {PublicKeyCredential} */ (credential).toJSON();
}
