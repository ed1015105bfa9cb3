// Uploads a file with a published tus client: node upload.mjs tus|uppy ENDPOINT TOKEN FILE
// Prints {"url": ..., "mediaId": ..., "requests": ...} as JSON.

import { readFileSync } from "node:fs";
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";
import * as tus from "tus-js-client";

const [client, endpoint, token, path] = process.argv.slice(2);
const content = readFileSync(path);
const metadata = { filename: "noise.jpg", filetype: "image/jpeg", altText: "Noise" };
let requests = 0;
let mediaId = null;

const options = {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  retryDelays: Array(200).fill(50),
  onBeforeRequest: (request) => {
    if (request.getMethod() === "PATCH") requests += 1;
  },
  onAfterResponse: (request, response) => {
    mediaId = response.getHeader("Media-Id") ?? mediaId;
  },
};

async function withTus() {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(content, {
      ...options,
      metadata,
      onSuccess: () => resolve(upload.url),
      onError: reject,
    });
    upload.start();
  });
}

async function withUppy() {
  const uppy = new Uppy({ meta: metadata }).use(Tus, { ...options, allowedMetaFields: Object.keys(metadata) });
  uppy.addFile({ name: metadata.filename, type: metadata.filetype, data: content });
  const { successful, failed } = await uppy.upload();
  if (failed.length > 0) throw failed[0].error;
  return successful[0].uploadURL;
}

const url = await (client === "uppy" ? withUppy() : withTus());
console.log(JSON.stringify({ url, mediaId, requests }));
process.exit(0);
