"""The writing system of the texts in a MIDI file, which does not name it.

UTF-8 is told by its form. All other texts of a file are decoded in each of the code pages that
programs have used, and the one whose letters make the most likely words is taken: kana, hangul
and common ideographs; Cyrillic letters beside each other, in the case of words; accented letters
among plain ones. A name is too short for the usual statistics, so a few frequent characters count.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ritornello.music.io.limits import clean_name

_FALLBACK = "cp1252"
_CODECS = (
    _FALLBACK,
    "cp1250",
    "cp1251",
    "koi8-r",
    "cp866",
    "cp932",
    "euc_jp",
    "gbk",
    "big5",
    "cp949",
)
_MOST_BYTES = 4096  # of texts that are looked at
# Frequent in each language, and in the names of parts.
_COMMON_SIMPLIFIED = (
    "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天"
    "钢琴吉他贝斯鼓弦乐小提大键主旋律音歌曲唱伴奏合声部二胡笛古筝军号爱心风雨花月夜春江长黑白红"
    "茉莉单簧管号萨克斯定板竖左右手前间尾"
)
_COMMON_TRADITIONAL = (
    "的一是了我不人在他有這個上們來到時大地為子中你說生國年著就那和要她出也得裡後自以會家可下而過天"
    "鋼琴吉他貝斯鼓弦樂小提大鍵主旋律音歌曲唱伴奏合聲部二胡笛古箏號愛心風雨花月夜春江長黑白紅"
    "單簧管薩克斯定板豎左右手前間尾"
)
_COMMON_JAPANESE = (
    "音楽曲奏歌弦主旋律低高太鼓琴笛部大小日本人一二三四楽器春夏秋冬花月夜空海星風雪恋愛"
)
_COMMON_HANGUL = (
    "이다는을의에가고하지도기사나로어리아시라대인한자정그서해스음악피노타베드럼현보컬멜디노래사랑"
)
_COMMON = {
    "gbk": frozenset(_COMMON_SIMPLIFIED),
    "big5": frozenset(_COMMON_TRADITIONAL),
    "cp932": frozenset(_COMMON_JAPANESE),
    "euc_jp": frozenset(_COMMON_JAPANESE),
    "cp949": frozenset(_COMMON_HANGUL),
}
_ACCENTED = {
    "cp1252": frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿßœšžÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝŒŠŽ"),
    "cp1250": frozenset(
        "áâăäąćčçďđéęëěíîłńňóôőöŕřśšşťţúůűüýźžżßÁÂĂÄĄĆČÇĎĐÉĘËĚÍÎŁŃŇÓÔŐÖŘŚŠŞŤŢÚŮŰÜÝŹŽŻ"
    ),
}
_COMMON_CYRILLIC = frozenset("оеаинтсрвлкмдпуя")
_PUNCTUATION = frozenset("’‘“”„–—…«»©®°·•\u00a0€№")


def choose_codec(texts: Iterable[bytes]) -> str:
    """The name of the codec in which a file wrote its texts; all of them are looked at as one."""
    foreign = [text for text in texts if not text.isascii()]
    if not foreign:
        return "utf-8"
    looked_at = b"\n".join(dict.fromkeys(foreign))[:_MOST_BYTES]
    if len(looked_at) == _MOST_BYTES:
        looked_at = looked_at[: looked_at.rfind(b"\n") + 1] or looked_at
    try:
        b"\n".join(foreign).decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    scores = {codec: _likelihood(looked_at, codec) for codec in _CODECS}
    return max(scores, key=lambda codec: scores[codec])


def decode(raw: bytes, codec: str) -> str:
    """A text in a codec; what has no meaning in it is taken as UTF-8, or else as Latin-1."""
    if raw.isascii():
        return raw.decode("ascii")
    for name in (codec, "utf-8"):
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def decode_name(raw: bytes, codec: str) -> str:
    """A text as one line."""
    return clean_name(raw.decode() if raw.isascii() else decode(raw, codec))


def sung_text(text: str) -> str:
    """A syllable as `Lyric` has it: with its blanks, and no control characters but line ends."""
    return "".join(char for char in text if char == "\n" or char.isprintable())


def line_ends_read(text: str) -> str:
    """The line ends of RP-017: CR ends a line, LF a paragraph."""
    return text.replace("\n", "\0").replace("\r", "\n").replace("\0", "\n\n")


def line_ends_written(text: str) -> str:
    """Line ends as RP-017 writes them; the inverse of `line_ends_read`."""
    return text.replace("\n\n", "\0").replace("\n", "\r").replace("\0", "\n")


def _likelihood(raw: bytes, codec: str) -> float:
    """How likely bytes are words in a codec: about 1 for each byte of a foreign letter."""
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError:
        return -float("inf") if codec != _FALLBACK else -2.0 * len(raw)
    common = _COMMON.get(codec)
    total = 0.0
    for index, char in enumerate(text):
        if char.isascii():
            continue
        before, after = text[index - 1 : index], text[index + 1 : index + 2]
        if codec in _ACCENTED:
            total += _accented(char, before, after, _ACCENTED[codec])
        elif common is None:
            total += _cyrillic(char, text[max(0, index - 2) : index], after)
        else:
            total += _east_asian(char, codec, common) - (before.isascii() and before.isalpha())
    # Where two explain the same, the more usual one.
    return total - 0.01 * _CODECS.index(codec)


def _accented(char: str, before: str, after: str, letters: frozenset[str]) -> float:
    if char in _PUNCTUATION:
        return 1.0 if char in "’©" else 0.3
    if char not in letters or (char.isupper() and before.islower()):
        return -2.0
    beside = [other for other in (before, after) if other.isalpha()]
    plain = [other for other in beside if other.isascii()]
    if len(plain) < len(beside):  # two in a row are rare, and three rarer
        return 0.5 if plain else -1.0
    return 1.0 if beside else 0.5


def _cyrillic(char: str, before: str, after: str) -> float:
    if char in _PUNCTUATION:
        return 0.3
    if not "\u0400" <= char <= "\u045f":
        return -2.0
    if not before[-1:].isalpha():
        return (0.5 if char.isupper() else 0.3) if after.isalpha() else 0.0
    if before[-1:].isascii():
        return -1.5
    if char.isupper() and before[-1:].islower():
        return -1.0
    if char.islower() and len(before) == 2 and before.isupper():
        return -0.5
    # A rare letter, and one after a capital (all of a word may be), is a little less likely.
    return 1.1 + 0.3 * (char.lower() in _COMMON_CYRILLIC) - 0.07 * char.isupper()


def _east_asian(char: str, codec: str, common: frozenset[str]) -> float:
    kind = unicodedata.name(char, "NONE").split()[0]
    if kind in ("HIRAGANA", "KATAKANA"):
        return 2.6 if codec in ("cp932", "euc_jp") else 0.0
    if kind == "HALFWIDTH":
        return -0.5
    if kind == "FULLWIDTH" or char in "・ー、。「」　":
        return 1.0
    if kind == "HANGUL":
        return 2.5 if char in common else 1.3
    if kind != "CJK":
        return -2.0
    if char in common:
        return 2.8
    first = char.encode(codec)[0]
    usual = {
        "cp932": first <= 0x97,
        "euc_jp": first <= 0xCF,
        "gbk": 0xB0 <= first <= 0xD7 and char.encode(codec)[1] >= 0xA1,
        "big5": first <= 0xC6,
        "cp949": False,
    }[codec]
    return 1.2 if usual else -1.5
