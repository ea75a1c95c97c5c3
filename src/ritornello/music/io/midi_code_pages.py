"""The code page of texts that do not name it, by which of them gives the most likely words.

A name is too short for the usual statistics. So of each writing system little is asked that holds
in a word of five letters too: which letters there are, from frequent to rare; that capitals begin
words; that an accented consonant has a vowel beside it. Latin letters are judged by language: one
that explains all accents with its own few letters is more likely than a code page that has them.
"""

from __future__ import annotations

import re
import unicodedata

# Where two explain the same, the first.
CODE_PAGES = (
    *("cp1252", "cp1254", "cp1250", "mac-roman", "cp850", "cp1257", "cp1251", "koi8-r", "cp866"),
    *("cp1253", "cp1255", "cp1256", "cp874", "cp932", "euc_jp", "gbk", "big5", "cp949"),
)
_HANDICAPS = {page: 0.01 * place for place, page in enumerate(CODE_PAGES)}
# Letters beside a to z; those of one language stand in the code pages named.
_LANGUAGES = (
    ("äöüß", "cp1252 cp1250 mac-roman cp850"),
    ("àâçèéêëîïôœùûüÿ", "cp1252 mac-roman cp850"),
    ("áéíñóúüªº¡¿", "cp1252 mac-roman cp850"),
    ("áâãàçéêíóôõú", "cp1252 mac-roman cp850"),
    ("àèéìòù", "cp1252 mac-roman cp850"),
    ("åäöéæøü", "cp1252 mac-roman cp850"),
    ("áðéíóúæö", "cp1252"),
    ("çğıöşüâîû", "cp1254"),
    ("ąćęłńóśźż", "cp1250"),
    ("áčďéěíňóřšťúůýž", "cp1250"),
    ("áäčďéíĺľňóôŕšťúýž", "cp1250"),
    ("áéíóöőúüű", "cp1250"),
    ("čćđšž", "cp1250"),
    ("ăâîşţ", "cp1250"),
    ("ąčęėįšųūž", "cp1257"),
    ("āčēģīķļņšūž", "cp1257"),
    ("äöõüšž", "cp1257"),
)
_LATIN = {
    page: [frozenset(letters) for letters, pages in _LANGUAGES if page in pages.split()]
    for page in CODE_PAGES[:6]
}
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
# From frequent to rare; scripts that have capitals begin words with them or are all capitals.
_ALPHABETS = {
    "cp1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "cp866": _CYRILLIC,
    "cp1253": "αοιετσνηυρπκμλςγδωάχίόθήφέβύώξζψϊϋΐΰ",
    "cp1255": "יוהלאמרתבשנםדעקפחכטןגסזצךףץ",
    "cp1256": "اليمونرتبةعدسفهحكقجشطصخىضءأغثذإزئظآؤ",
    "cp874": "านรอกเงมัย่ลว้ดทีสิตะปบคหแจุพชำขใไ์โึผูถซื็ธฟณภศษฐฝญฉ",
}
_ENDS_WORDS = frozenset("ךםןףץςىة")
_PUNCTUATION = frozenset("‘“”„–—…«»©®°·•\u00a0€№")
_APOSTROPHES = frozenset("’´")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_VOWELS = frozenset("aeiouyAEIOUY")
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
# Japanese sequencers of the nineties wrote the names of parts in katakana of half the width.
_HALF_WIDTH_WORDS = (
    *("ﾋﾟｱﾉ", "ｷﾞﾀｰ", "ﾍﾞｰｽ", "ﾄﾞﾗﾑ", "ﾒﾛﾃﾞｨ", "ｽﾄﾘﾝｸﾞｽ", "ﾎﾞｰｶﾙ", "ﾊﾓﾘ", "ｺｰﾗｽ", "ｺｰﾄﾞ", "ﾌﾞﾗｽ"),
    *("ﾊｲﾊｯﾄ", "ｽﾈｱ", "ﾊﾞｽ", "ｼﾝｾ", "ｴﾚ", "ｵﾙｶﾞﾝ", "ﾌﾙｰﾄ", "ｻｯｸｽ", "ﾘｰﾄﾞ", "ﾊﾟｰｶｯｼｮﾝ", "ｱﾙﾍﾟｼﾞｵ"),
)
_VOICED_AFTER = frozenset("ｳｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎ")
_HALF_VOICED_AFTER = frozenset("ﾊﾋﾌﾍﾎ")


def likelihood(raw: bytes, page: str) -> float:
    """How likely bytes are words in a code page: about 1 for each byte of a foreign letter."""
    try:
        text = raw.decode(page)
    except UnicodeDecodeError:
        return -float("inf") if page != CODE_PAGES[0] else -2.0 * len(raw)
    if page in _LATIN:
        found = _latin(text, _LATIN[page])
    elif page in _ALPHABETS:
        found = _alphabetic(text, _ALPHABETS[page])
    else:
        found = _east_asian(text, page)
    return found - _HANDICAPS[page]


def _latin(text: str, languages: list[frozenset[str]]) -> float:
    """The same of the likeliest language, each with letters of its own beside a to z."""
    total = 0.0
    of_languages = [0.0] * len(languages)
    for found in _FOREIGN.finditer(text):
        char, index = found.group(), found.start()
        before, after = text[index - 1 : index], text[index + 1 : index + 2]
        if char in _APOSTROPHES:
            total += 1.0
        elif char in _PUNCTUATION:
            total += -1.0 if before.isalpha() and after.isalpha() else 0.3
        elif not char.isalpha():
            total -= 0.5
            of_languages = [
                worth - 1.5 * (char not in letters)
                for worth, letters in zip(of_languages, languages, strict=True)
            ]
        elif char.isupper() and (before.islower() or (before.isalpha() and after.islower())):
            total -= 2.0
        else:
            total += _accented(char, before, after)
            low = char.lower()
            of_languages = [
                worth - 0.4 * (low not in letters)
                for worth, letters in zip(of_languages, languages, strict=True)
            ]
    return total + max(of_languages)


def _accented(char: str, before: str, after: str) -> float:
    beside = [other for other in (before, after) if other.isalpha()]
    plain = [other for other in beside if other.isascii()]
    if len(plain) < len(beside):  # two in a row are rare, and three rarer
        return 0.5 if plain else -1.0
    if not beside:
        return 0.5
    is_vowel = unicodedata.normalize("NFD", char)[0] in _VOWELS or char in "æœøıÆŒØ"
    vowels = sum(other in _VOWELS for other in beside)
    # A consonant stands beside a vowel, and a vowel not between two.
    unlike = vowels == 2 if is_vowel else (vowels == 0 and len(beside) == 2)
    return 0.6 if unlike else 1.0


def _alphabetic(text: str, alphabet: str) -> float:
    """The same of a script with an alphabet of its own."""
    total = 0.0
    for found in _FOREIGN.finditer(text):
        char, index = found.group(), found.start()
        before, after = text[max(0, index - 2) : index], text[index + 1 : index + 2]
        low = char.lower()
        if char in _PUNCTUATION or char in _APOSTROPHES:
            total += 0.3
        elif low not in alphabet:
            total -= 0.5 if char.isalpha() and _script(char) == _script(alphabet[0]) else 2.0
        elif (before[-1:].isascii() and before[-1:].isalpha()) or "a" <= after <= "z":
            total -= 1.5
        elif char.isupper() and before[-1:].islower():
            total -= 1.0
        elif char.islower() and char != low.upper() and len(before) == 2 and before.isupper():
            total -= 0.5
        else:
            total += _frequent(low, alphabet, begins=not _is_letter(before[-1:]), after=after)
            total -= 0.07 * char.isupper()
    return total


def _frequent(low: str, alphabet: str, *, begins: bool, after: str) -> float:
    """What a letter of an alphabet is worth, by how frequent it is and where it stands."""
    rank = alphabet.index(low) / len(alphabet)
    worth = 1.35 if rank < 0.25 else 1.15 if rank < 0.5 else 0.95 if rank < 0.75 else 0.7
    if low in _ENDS_WORDS and _is_letter(after):
        worth -= 1.5
    if begins and not _is_letter(after):
        worth = 0.2
    elif begins:
        worth -= 0.3
    return worth


def _is_letter(char: str) -> bool:
    return char.isalpha() or unicodedata.category(char or " ")[0] == "M"


def _script(char: str) -> str:
    return unicodedata.name(char, "NONE").split()[0]


def _east_asian(text: str, page: str) -> float:
    """The same of Japanese, Chinese and Korean."""
    total = 0.0
    for found in _FOREIGN.finditer(text):
        char, index = found.group(), found.start()
        before, after = text[index - 1 : index], text[index + 1 : index + 2]
        beside = ("a" <= before <= "z") + ("a" <= after <= "z")
        if page == "cp932" and "｡" <= char <= "ﾟ":
            alone = not before.strip() and not after.strip()
            total += 0.3 if alone else _half_width(char, before) - beside
        else:
            total += _ideograph(char, page) - beside
    if page == "cp932":
        total += sum(len(word) * 0.6 * text.count(word) for word in _HALF_WIDTH_WORDS)
    return total


def _half_width(char: str, before: str) -> float:
    if char == "ﾞ":
        return 1.6 if before in _VOICED_AFTER else -2.0
    if char == "ﾟ":
        return 1.6 if before in _HALF_VOICED_AFTER else -2.0
    if char in "ｰｧｨｩｪｫｬｭｮｯ" and not "ｦ" <= before <= "ﾟ":
        return -1.0
    return 0.7 if char >= "ｦ" else 0.3


def _ideograph(char: str, page: str) -> float:
    kind = _script(char)
    if kind in ("HIRAGANA", "KATAKANA"):
        return 2.6 if page in ("cp932", "euc_jp") else 0.0
    if kind == "HALFWIDTH":
        return -0.5
    if kind == "FULLWIDTH" or char in "・ー、。「」　":
        return 1.0
    if kind == "HANGUL":
        if char in _COMMON[page]:
            return 2.5
        # What was added to KS X 1001 later is hardly used.
        return 1.6 if char.encode(page)[0] >= 0xB0 and char.encode(page)[1] >= 0xA1 else 0.0
    if kind != "CJK":
        return -2.0
    if char in _COMMON[page]:
        return 2.8
    first = char.encode(page)[0]
    usual = {
        "cp932": first <= 0x97,
        "euc_jp": first <= 0xCF,
        "gbk": 0xB0 <= first <= 0xD7 and char.encode(page)[1] >= 0xA1,
        "big5": first <= 0xC6,
        "cp949": False,
    }[page]
    return 1.2 if usual else -1.5
