"""ICC profiles for colour spaces that files describe by numbers: PNG's gAMA, cHRM and cICP, and nclx of AVIF and HEIC.

Code points are those of ITU-T H.273. The profiles follow ICC.1:2001-04 (version 2), three-component matrix-based input.
"""

import math
import struct
from collections.abc import Callable, Sequence

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]
Chromaticities = tuple[
    float, float, float, float, float, float, float, float
]  # x and y of white, red, green, blue

D50: Vector = (0.9642, 1.0, 0.8249)
BRADFORD: Matrix = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_D65 = (0.3127, 0.3290)
SRGB: Chromaticities = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
PRIMARIES: dict[int, Chromaticities] = {
    1: SRGB,
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
CURVE_POINTS = 4096
SDR_WHITE_NITS = 203.0  # ITU-R BT.2408: brighter parts of HDR pictures become white


def coded_profile(primaries: int, transfer: int) -> bytes | None:
    """Return the profile for H.273 code points; None for sRGB and for unknown ones, which are shown as sRGB."""
    chromaticities, curve = PRIMARIES.get(primaries), CURVES.get(transfer)
    if chromaticities is None or curve is None or (primaries == 1 and transfer in SRGB_TRANSFERS):
        return None
    return matrix_profile(chromaticities, curve)


def gamma_profile(encoding_gamma: float, chromaticities: Chromaticities | None) -> bytes | None:
    """Return the profile for PNG's gAMA and cHRM; None if they mean sRGB or nothing."""
    if not 0.01 <= encoding_gamma <= 10:
        return None
    chosen = chromaticities or SRGB
    like_srgb = all(abs(one - other) < 0.002 for one, other in zip(chosen, SRGB, strict=True))
    if like_srgb and abs(encoding_gamma - 1 / 2.2) < 0.001:
        return None
    exponent = 1 / encoding_gamma
    return matrix_profile(chosen, lambda value: value**exponent)


def matrix_profile(chromaticities: Chromaticities, curve: Callable[[float], float]) -> bytes | None:
    """Return an ICC profile; None for chromaticities that span no colours."""
    try:
        columns = _columns_in_d50(chromaticities)
    except ZeroDivisionError:
        return None
    points = [min(1.0, max(0.0, curve(number / (CURVE_POINTS - 1)))) for number in range(CURVE_POINTS)]
    packed = struct.pack(f">{CURVE_POINTS}H", *(round(65535 * point) for point in points))
    trc = b"curv\0\0\0\0" + struct.pack(">I", CURVE_POINTS) + packed
    tags = [(b"wtpt", _xyz(D50)), *zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, columns), strict=True)]
    table, body = b"", b""
    start = 128 + 4 + 12 * (len(tags) + 3)
    for name, data in tags:
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        table += name + struct.pack(">II", start + len(body), len(trc))
    body += trc
    size = start + len(body)
    header = struct.pack(">I4xI", size, 0x02400000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + b"".join(map(_fixed, D50))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags) + 3) + table + body


def _columns_in_d50(chromaticities: Chromaticities) -> Sequence[Vector]:
    """Return XYZ of red, green and blue, adapted from the white point to D50 with the Bradford method."""
    white, *primaries = [
        (x / y, 1.0, (1 - x - y) / y) for x, y in zip(chromaticities[::2], chromaticities[1::2], strict=True)
    ]
    unscaled = _transposed(tuple(primaries))  # type: ignore[arg-type]
    scale = _apply(_inverse(unscaled), white)
    source, target = _apply(BRADFORD, white), _apply(BRADFORD, D50)
    gains = (target[0] / source[0], target[1] / source[1], target[2] / source[2])
    inverse = _inverse(BRADFORD)
    adapted: list[Vector] = []
    for primary, factor in zip(primaries, scale, strict=True):
        cone = _apply(BRADFORD, (primary[0] * factor, primary[1] * factor, primary[2] * factor))
        adapted.append(_apply(inverse, (cone[0] * gains[0], cone[1] * gains[1], cone[2] * gains[2])))
    return adapted


def _apply(matrix: Matrix, vector: Vector) -> Vector:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def _transposed(matrix: Matrix) -> Matrix:
    first, second, third = zip(*matrix, strict=True)
    return first, second, third


def _inverse(matrix: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    adjugate = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    first, second, third = (
        (row[0] / determinant, row[1] / determinant, row[2] / determinant) for row in adjugate
    )
    return first, second, third


def _xyz(vector: Vector) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, vector))


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _srgb(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _linear(value: float) -> float:
    return value


def _perceptual_quantizer(value: float) -> float:
    root = value ** (1 / 78.84375)
    return (
        10_000
        * (max(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        / SDR_WHITE_NITS
    )


def _hybrid_log_gamma(value: float) -> float:
    low, high = value * value / 3, (math.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return (low if value <= 0.5 else high) / 0.26496256  # the signal of reference white is 0.75


# Browsers show the camera curves of video (1, 6, 14, 15) like sRGB.
SRGB_TRANSFERS = frozenset({1, 2, 6, 13, 14, 15})
CURVES: dict[int, Callable[[float], float]] = {
    **dict.fromkeys(SRGB_TRANSFERS, _srgb),
    4: lambda value: value**2.2,
    5: lambda value: value**2.8,
    8: _linear,
    16: _perceptual_quantizer,
    18: _hybrid_log_gamma,
}
