"""Makes the letters of pictures: `src/ritornello/assets/letters.npz`.

    python -m experiments.lettering

The font is Aileron Regular by Sora Sagano (CC0), which Pillow carries; Pillow is needed here only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

ASSET = Path(__file__).resolve().parents[1] / "src" / "ritornello" / "assets" / "letters.npz"
_EM = 64  # pixels a letter is painted in; pictures scale it down
_MISSING = 0xFFFF  # a character that no font has
_CANDIDATES = (*range(0x20, 0x250), *range(0x370, 0x460), *range(0x1E00, 0x2670))


def main() -> None:
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_EM)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise SystemExit("Pillow lacks FreeType.")
    ascent, descent = font.getmetrics()

    def painted(code: int) -> np.ndarray:
        """Coverage, uint8 [height, 3 em], the pen at one em."""
        image = Image.new("L", (3 * _EM, ascent + descent))
        ImageDraw.Draw(image).text((_EM, ascent), chr(code), 255, font, "ls")
        return np.asarray(image)

    missing = painted(_MISSING)
    codes, cells, lefts, advances = [], [], [], []
    for code in (*_CANDIDATES, _MISSING):
        cell = painted(code)
        if code != _MISSING and np.array_equal(cell, missing):
            continue
        inked = np.flatnonzero(cell.any(0))
        left, right = (int(inked[0]), int(inked[-1]) + 1) if len(inked) else (_EM, _EM)
        codes.append(code)
        cells.append(cell[:, left:right])
        lefts.append(left - _EM)
        advances.append(font.getlength(chr(code)))
    np.savez_compressed(
        ASSET,
        codes=np.array(codes, np.uint16),
        coverage=np.concatenate(cells, 1),
        ends=np.cumsum([cell.shape[1] for cell in cells]).astype(np.int32),
        lefts=np.array(lefts, np.int16),
        advances=np.array(advances, np.float32),
        em=np.array(_EM),
    )
    print(f"{len(codes)} letters, {ASSET.stat().st_size / 1e3:.0f} KB")


if __name__ == "__main__":
    main()
