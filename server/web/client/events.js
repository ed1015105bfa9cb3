/**
 * Changes of posts and users, for every part of the page that shows them.
 * @module
 */

/** @import { Comment, Post, RelatedUser } from "./types.js" */

/**
 * @typedef {object} Changes
 * @property {Partial<Post> & { id: string }} post
 * @property {{ id: string }} postDeleted
 * @property {{ id: string, status: "archived" | "published" }} postMoved to the archive, or back
 * @property {Post} published
 * @property {Pick<RelatedUser, "id"> & { relationship: RelatedUser["relationship"] }} relationship
 * @property {{ count: number }} unread
 * @property {{}} profile one's own profile or posts
 * @property {{ path: string }} navigate to a screen
 */

const bus = new EventTarget();

/**
 * @template {keyof Changes} K
 * @param {K} name
 * @param {Changes[K]} detail
 */
export function announce(name, detail) {
  bus.dispatchEvent(new CustomEvent(name, { detail }));
}

/**
 * Call a function at each change, until the signal is aborted.
 * @template {keyof Changes} K
 * @param {K} name
 * @param {AbortSignal} signal
 * @param {(detail: Changes[K]) => void} listener
 */
export function onChange(name, signal, listener) {
  bus.addEventListener(name, (event) => listener(/** @type {CustomEvent} */ (event).detail), { signal });
}
