/**
 * Cropping a picture before it is uploaded: dragged with a pointer or moved with the arrow keys, zoomed with a slider.
 * @module
 */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { openDialog } from "./dialogs.js";

/** Width by height. */
const RATIOS = { square: 1, portrait: 4 / 5, landscape: 1.91 };
const MAX_SIDE = 4096;
const QUALITY = 0.95;
const STEP = 0.02;

/**
 * Let the user choose a part of a picture, and return it as a JPEG; null if the dialog is closed.
 * @param {File} file
 * @returns {Promise<File | null>}
 */
export async function crop(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  return new Promise((resolve) => {
    const dialog = openDialog(t("crop"), (close) =>
      cropper(bitmap, file, (cropped) => {
        resolve(cropped);
        close();
      }),
    );
    dialog.addEventListener("close", () => {
      resolve(null);
      bitmap.close();
    });
  });
}

/**
 * @param {ImageBitmap} bitmap
 * @param {File} file
 * @param {(cropped: File) => void} done
 */
function cropper(bitmap, file, done) {
  let ratio = RATIOS.square;
  let zoom = 1;
  const center = { x: 0.5, y: 0.5 };
  const canvas = h("canvas", {
    class: "crop",
    tabIndex: 0,
    role: "img",
    "aria-label": t("crop_hint"),
    onkeydown: key,
    onpointerdown: drag,
  });

  /** Return the part in pixels of the picture, and keep it within. */
  function part() {
    const whole = Math.min(bitmap.width, bitmap.height * ratio);
    const width = whole / zoom;
    const height = width / ratio;
    center.x = clamp(center.x, width / 2 / bitmap.width);
    center.y = clamp(center.y, height / 2 / bitmap.height);
    return { x: center.x * bitmap.width - width / 2, y: center.y * bitmap.height - height / 2, width, height };
  }

  function draw() {
    canvas.width = 640;
    canvas.height = Math.round(640 / ratio);
    const { x, y, width, height } = part();
    canvas.getContext("2d")?.drawImage(bitmap, x, y, width, height, 0, 0, canvas.width, canvas.height);
  }

  /** @param {number} x @param {number} y in shares of the part */
  function move(x, y) {
    const { width, height } = part();
    center.x += (x * width) / bitmap.width;
    center.y += (y * height) / bitmap.height;
    draw();
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const steps = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (!step) return;
    event.preventDefault();
    move(step[0] ?? 0, step[1] ?? 0);
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    canvas.setPointerCapture(event.pointerId);
    let { clientX, clientY } = event;
    const stop = new AbortController();
    canvas.addEventListener(
      "pointermove",
      (moved) => {
        move((clientX - moved.clientX) / canvas.clientWidth, (clientY - moved.clientY) / canvas.clientHeight);
        ({ clientX, clientY } = moved);
      },
      { signal: stop.signal },
    );
    for (const type of ["pointerup", "pointercancel"])
      canvas.addEventListener(type, () => stop.abort(), { signal: stop.signal });
  }

  async function save() {
    const { x, y, width, height } = part();
    const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
    const output = h("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
    output.getContext("2d")?.drawImage(bitmap, x, y, width, height, 0, 0, output.width, output.height);
    const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) =>
      output.toBlob(resolve, "image/jpeg", QUALITY),
    );
    if (blob)
      done(
        new File([blob], file.name.replace(/\.\w+$/, ".jpg"), {
          type: "image/jpeg",
          lastModified: file.lastModified,
        }),
      );
  }

  draw();
  return [
    canvas,
    h("input", {
      type: "range",
      min: "1",
      max: "4",
      step: "0.01",
      value: "1",
      "aria-label": t("zoom"),
      oninput: (/** @type {any} */ event) => {
        zoom = Number(event.target.value);
        draw();
      },
    }),
    h(
      "div",
      { class: "tabs", role: "group" },
      Object.entries(RATIOS).map(([name, value]) =>
        h(
          "button",
          {
            type: "button",
            onclick: () => {
              ratio = value;
              draw();
            },
          },
          t(/** @type {any} */ (`ratio.${name}`)),
        ),
      ),
    ),
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", class: "button primary", onclick: save }, t("use_part")),
    ),
  ];
}

/** @param {number} value @param {number} margin */
function clamp(value, margin) {
  return Math.min(1 - margin, Math.max(margin, value));
}
