"""What a cell may hold: each function turns its text into a value, or says what is wrong and what to do (pure)."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

from callcenter.phone import normalise

Value = str | int | float | bool | list[str]


class Wrong(ValueError):
    """A cell that cannot be used: why, and the remedy, in Chinese and English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh)
        self.zh, self.en = zh, en


def plain(text: str) -> str:
    """Full-width letters and digits made plain (GB18030 texts have them), spaces trimmed."""
    return unicodedata.normalize("NFKC", text).strip()


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def line(longest: int) -> Callable[[str], str]:
    """One line of text."""

    def parse(text: str) -> str:
        if len(text) > longest:
            raise Wrong(f"超过 {longest} 字，请缩短", f"longer than {longest} characters; shorten it")
        return _CONTROL.sub(" ", text)

    return parse


def prose(text: str) -> str:
    """Several lines."""
    return _CONTROL_BUT_LINES.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def fitting(pattern: str, zh: str, en: str) -> Callable[[str], str]:
    """A code of a certain form."""

    def parse(text: str) -> str:
        if re.fullmatch(pattern, plain(text)) is None:
            raise Wrong(zh, en)
        return plain(text)

    return parse


def phone(text: str) -> str:
    """A phone number in its canonical form; short codes and extensions are no numbers of a person."""
    if re.search(r"[eE]\+", text):
        raise Wrong(
            "号码变成了科学计数；请把该列设为文本格式后重新填写",
            "the number is in scientific form; format the column as text, and write it again",
        )
    number = normalise(plain(text))
    if number is None or len(number) < 5:
        raise Wrong(
            "不是电话号码；请填 11 位手机号，或带区号的座机，如 0512-87654321",
            "no phone number; write a mobile of 11 digits, or a landline with its area code, e.g. 0512-87654321",
        )
    if re.fullmatch(r"1[3-9]\d*", number) and len(number) != 11:
        raise Wrong(
            f"手机号应为 11 位，现为 {len(number)} 位；请核对后重新填写",
            f"a mobile number has 11 digits, this has {len(number)}; compare, and write it again",
        )
    return number


def several(parse: Callable[[str], str], most: int) -> Callable[[str], list[str]]:
    """Values with 、，,；;/ or line breaks between them, each once."""

    def split(text: str) -> list[str]:
        parts = [part for part in re.split(r"[、，,；;/|\n]+", text) if part.strip()]
        found = list(dict.fromkeys(parse(part.strip()) for part in parts))
        if len(found) > most:
            raise Wrong(f"最多 {most} 个，请删去多余的", f"at most {most}; take the others out")
        return found

    return split


_DATE = re.compile(r"(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})日?(?: 00:00(?::00)?)?|(\d{4})(\d\d)(\d\d)")


def day(text: str) -> str:
    """A date, as ISO 8601: 1941-03-12, 1941/3/12, 1941.3.12, 1941年3月12日, 19410312."""
    found = _DATE.fullmatch(plain(text).replace(" 年 ", "年"))
    if found is None:
        raise Wrong("日期请写成 1941-03-12", "write the date as 1941-03-12")
    try:
        return date(*(int(part) for part in found.groups() if part is not None)).isoformat()
    except ValueError as error:
        raise Wrong(
            "没有这一天，请核对；写法如 1941-03-12", "there is no such day; compare, and write it as 1941-03-12"
        ) from error


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def id_number(text: str) -> str:
    """A citizen's number of 18 characters with its check digit (GB 11643-1999, ISO 7064 MOD 11-2)."""
    number = plain(text).upper().replace(" ", "")
    if "E+" in number or number.endswith(".0"):
        raise Wrong(
            "号码变成了科学计数，末位已丢失；请把该列设为文本格式后重新填写",
            "digits were lost; format the column as text, and write it again",
        )
    if re.fullmatch(r"\d{15}", number):
        raise Wrong("15 位旧号码已停用，请填 18 位", "numbers of 15 digits are void; give the 18 of the new card")
    if re.fullmatch(r"[1-9]\d{16}[0-9X]", number) is None:
        raise Wrong("身份证号应为 18 位，请照身份证核对", "it has 18 characters; compare with the card")
    if check_digit(number) != number[-1]:
        raise Wrong("身份证号校验位不符，请核对", "the check digit does not fit; compare with the card")
    day(number[6:14])
    return number


def check_digit(number: str) -> str:
    """The last character that the first 17 digits ask for."""
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True)) % 11]


def one_of(names: Mapping[str, str], zh: str, en: str) -> Callable[[str], str]:
    """A word that stands for a value."""
    known = {plain(name).lower(): value for name, value in names.items()}

    def parse(text: str) -> str:
        value = known.get(plain(text).lower())
        if value is None:
            raise Wrong(f"不认识这个写法，请填其中之一：{zh}", f"not known; write one of: {en}")
        return value

    return parse


_YES = frozenset({"是", "有", "对", "√", "y", "yes", "true", "1"})
_NO = frozenset({"否", "无", "不", "×", "n", "no", "false", "0"})


def flag(text: str) -> bool:
    """是 or 否."""
    word = plain(text).lower()
    if word not in _YES | _NO:
        raise Wrong("请填“是”或“否”", "write yes or no")
    return word in _YES


def number(least: float, most: float) -> Callable[[str], float]:
    """A number between two."""

    def parse(text: str) -> float:
        try:
            value = float(plain(text))
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise Wrong(
                f"请填 {least:.10g} 到 {most:.10g} 之间的数", f"write a number from {least:.10g} to {most:.10g}"
            )
        return value

    return parse


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number between two."""

    def parse(text: str) -> int:
        value = number(least, most)(text)
        if not value.is_integer():
            raise Wrong("请填整数，不带小数", "write a whole number, without a fraction")
        return int(value)

    return parse
