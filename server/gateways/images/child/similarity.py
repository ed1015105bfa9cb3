"""Structural similarity (SSIM) of two pictures, computed by Pillow.

Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004; of luma, and with
blocks of 8 by 8 pixels instead of a sliding window.
"""

from typing import Any

from PIL import Image, ImageMath

BLOCK = 8
# Rows at a time, because every intermediate picture takes 4 bytes per pixel.
BAND_ROWS = 128 * BLOCK
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def similarity(picture: Image.Image, other: Image.Image) -> float:
    """Return the mean SSIM of two pictures of the same size; 1 if they are equal."""
    width, height = picture.size
    total = 0.0
    for top in range(0, height, BAND_ROWS):
        rows = min(BAND_ROWS, height - top)
        band = (0, top, width, top + rows)
        total += rows * _mean(_block_similarities(_luma(picture.crop(band)), _luma(other.crop(band))))
    return total / height


def _block_similarities(a: Image.Image, b: Image.Image) -> Image.Image:
    mean_a, mean_b = a.reduce(BLOCK), b.reduce(BLOCK)
    return _calculate(
        _block_formula,
        a=mean_a,
        b=mean_b,
        aa=_calculate(_product, a=a, b=a).reduce(BLOCK),
        bb=_calculate(_product, a=b, b=b).reduce(BLOCK),
        ab=_calculate(_product, a=a, b=b).reduce(BLOCK),
    )


def _product(of: dict[str, Any]) -> Any:
    return of["a"] * of["b"]


def _block_formula(of: dict[str, Any]) -> Any:
    product, squares = of["a"] * of["b"], of["a"] * of["a"] + of["b"] * of["b"]
    covariance, variances = of["ab"] - product, of["aa"] + of["bb"] - squares
    return ((product * 2 + C1) * (covariance * 2 + C2)) / ((squares + C1) * (variances + C2))


def _luma(picture: Image.Image) -> Image.Image:
    return picture.convert("L").convert("F")


def _mean(picture: Image.Image) -> float:
    value = picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    return value if isinstance(value, float) else 0.0


def _calculate(formula: Any, **pictures: Image.Image) -> Image.Image:
    return ImageMath.lambda_eval(formula, **pictures)
