/**
 * Placeholders of pictures: the decoder of BlurHash (https://blurha.sh), which describes a picture by a few cosines.
 * @module
 */

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";
const SIDE = 20;

/**
 * Return the placeholder as a small canvas, which CSS scales.
 * @param {string} hash
 */
export function drawBlurhash(hash) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d");
  if (!context || hash.length < 6) return canvas;
  const image = context.createImageData(SIDE, SIDE);
  const colors = components(hash);
  const columns = (number(hash.slice(0, 1)) % 9) + 1;
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1) {
      const pixel = [0, 0, 0];
      colors.forEach((color, index) => {
        const factor =
          Math.cos((Math.PI * x * (index % columns)) / SIDE) *
          Math.cos((Math.PI * y * Math.floor(index / columns)) / SIDE);
        color.forEach((value, channel) => (pixel[channel] = (pixel[channel] ?? 0) + value * factor));
      });
      image.data.set([...pixel.map(toSrgb), 255], 4 * (y * SIDE + x));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** @param {string} hash */
function components(hash) {
  const size = number(hash.slice(0, 1));
  const count = ((size % 9) + 1) * (Math.floor(size / 9) + 1);
  const largest = (number(hash.slice(1, 2)) + 1) / 166;
  const average = number(hash.slice(2, 6));
  const colors = [[average >> 16, (average >> 8) & 255, average & 255].map(toLinear)];
  for (let index = 1; index < count; index += 1) {
    const value = number(hash.slice(4 + index * 2, 6 + index * 2));
    const levels = [Math.floor(value / 361), Math.floor(value / 19) % 19, value % 19];
    colors.push(levels.map((level) => Math.sign(level - 9) * ((level - 9) / 9) ** 2 * largest));
  }
  return colors;
}

/** @param {string} digits */
function number(digits) {
  return [...digits].reduce((sum, digit) => sum * 83 + DIGITS.indexOf(digit), 0);
}

/** @param {number} value */
function toLinear(value) {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

/** @param {number} value */
function toSrgb(value) {
  const share = Math.max(0, Math.min(1, value));
  return Math.round((share <= 0.0031308 ? share * 12.92 : 1.055 * share ** (1 / 2.4) - 0.055) * 255);
}
