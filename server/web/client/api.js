/**
 * The client of the API that all screens share, and what the server allows.
 * @module
 */

import { passkeysSupported, Photofeed } from "../sdk/index.js";

/** @import { Config, Profile } from "./types.js" */

export const api = new Photofeed();

/** @type {Promise<Config> | null} */
let config = null;

/** Return the limits and options of the server; asked for once. */
export function getConfig() {
  config ??= api.get("/config", { authenticated: false }).catch((error) => {
    config = null;
    throw error;
  });
  return config;
}

/** @type {Promise<Profile> | null} */
let me = null;

/** Return one's own profile; asked for once, until it changes. */
export function getMe() {
  me ??= api.get("/users/profile").catch((error) => {
    me = null;
    throw error;
  });
  return me;
}

/** @param {Profile | null} profile the new one, or null to ask again */
export function setMe(profile) {
  me = profile && Promise.resolve(profile);
}

/** @param {string} userId */
export function isMe(userId) {
  return api.session.userId === userId;
}

/** Return whether this browser has passkeys, and the server accepts those of this domain. */
export async function canUsePasskeys() {
  if (!passkeysSupported()) return false;
  const site = await getConfig().then(
    ({ signIn }) => signIn.passkeySite,
    () => "",
  );
  return location.hostname === site || location.hostname.endsWith(`.${site}`);
}
