/**
 * Web Push: notifications of a browser while the page is closed.
 * @module
 */

/** @import { Photofeed } from "./index.js" */
/** @import { RegisterDevice } from "./types.js" */

/**
 * Return whether this browser and the server support Web Push.
 * @param {Photofeed} client
 */
export async function pushSupported(client) {
  if (!globalThis.PushManager || !globalThis.navigator?.serviceWorker) return false;
  return (await vapidKey(client)) !== null;
}

/**
 * Request permission if necessary, and register this browser. Call it at each start, because subscriptions change. Returns false if the user or the browser refuses.
 * @param {Photofeed} client
 * @param {ServiceWorkerRegistration} registration of the worker that shows the notifications
 */
export async function enablePush(client, registration) {
  const applicationServerKey = await vapidKey(client);
  if (applicationServerKey === null || (await Notification.requestPermission()) !== "granted") return false;
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  const body = { platform: "web", subscription: subscription.toJSON() };
  await client.post("/devices", { body: /** @type {RegisterDevice} */ (body) });
  return true;
}

/**
 * End the registration of this browser.
 * @param {Photofeed} client
 * @param {ServiceWorkerRegistration} registration
 */
export async function disablePush(client, registration) {
  const subscription = await registration.pushManager.getSubscription();
  if (!subscription) return;
  await client.delete("/devices", { body: { token: subscription.endpoint } });
  await subscription.unsubscribe();
}

/** @param {Photofeed} client */
async function vapidKey(client) {
  return (await client.get("/config", { authenticated: false })).push.vapidPublicKey;
}
