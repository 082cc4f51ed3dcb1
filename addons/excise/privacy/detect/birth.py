"""
Dates of birth: a real date not in the future of the next years, beside a word that says so.
"""

from __future__ import annotations

import re

from excise.privacy.detect.labelled import Labelled, other_scripts

_FIRST_YEAR, _LAST_YEAR = 1900, 2035  # there is no clock here; who reads this later may be born later
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar januari janvier janv enero ene gennaio gen janeiro stycznia styczeń ledna január januára ocak"
            " ianuarie tammikuuta jän jänner",
            "feb february februar februari février fevrier févr febrero febbraio fevereiro fev lutego luty února február şubat"
            " februarie helmikuuta",
            "mar march märz maerz maart mrt mars marzo março marco marca marzec března március mart martie maaliskuuta mär",
            "apr april avril avr abril abr aprile kwietnia kwiecień dubna április nisan aprilie huhtikuuta",
            "may mai mei mayo maggio mag maio maja maj května május mayıs toukokuuta",
            "jun june juni juin junio giugno giu junho czerwca czerwiec června június haziran iunie kesäkuuta",
            "jul july juli juillet juil julio luglio lug julho lipca lipiec července július temmuz iulie heinäkuuta",
            "aug august augustus août aout agosto ago sierpnia sierpień srpna augusztus ağustos elokuuta augusti",
            "sep sept september septembre septiembre settembre set setembro września wrzesień září szeptember eylül septembrie syyskuuta",
            "oct october okt oktober octobre octubre ottobre ott outubro out października październik října október ekim octombrie"
            " lokakuuta",
            "nov november novembre noviembre novembro listopada listopad listopadu kasım noiembrie marraskuuta",
            "dec december dez dezember décembre decembre déc diciembre dic dicembre dezembro grudnia grudzień prosince aralık"
            " decembrie joulukuuta desember",
        ),
        1,
    )
    for name in names.split()
}
_NAME = r"[^\W\d_]{3,12}"
_DATE = (
    r"(?<![0-9A-Za-z])(?P<value>"
    r"(?:19|20)[0-9]{2}[-./ ][0-9]{1,2}[-./ ][0-9]{1,2}"
    r"|[0-9]{1,2}[-./ ]{1,2}[0-9]{1,2}[-./ ]{1,2}(?:(?:19|20)[0-9]{2}|[0-9]{2})"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th|er|\.|º|ª)?[ -](?:of |de |di |d')?{_NAME}\.?[ ,-]{{1,2}}(?:de |del |di )?(?:19|20)?[0-9]{{2}}"
    rf"|{_NAME}\.? [0-9]{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)[0-9]{{2}}"
    rf"|(?:19|20)[0-9]{{2}}[- ]{_NAME}[- ][0-9]{{1,2}}"
    r"|(?:19|20)[0-9]{2}年[0-9]{1,2}月[0-9]{1,2}日|(?:19|20)[0-9]{2}년 ?[0-9]{1,2}월 ?[0-9]{1,2}일"
    r"|(?:19|20)[0-9]{6}"
    r")(?:T[0-9:.]{5,12}(?:Z|[+-][0-9:]{4,6})?)?(?![0-9A-Za-z]|[-./][0-9])"
)
_NUMBERS = re.compile(r"[0-9]+")
_WORDS = re.compile(r"[^\W\d_]{3,12}")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _is_date(value: str) -> bool:
    """
    Whether day, month and year can be, in whatever order they are written.
    """
    numbers = [int(number) for number in _NUMBERS.findall(value)]
    if len(numbers) == 1 and len(value) == 8:
        numbers = [int(value[:4]), int(value[4:6]), int(value[6:])]
    months = [_MONTHS[word] for word in map(str.lower, _WORDS.findall(value)) if word in _MONTHS]
    if len(numbers) == 2 and months:
        day, year = numbers if numbers[0] <= 31 else numbers[::-1]
        return _can_be(year, months[0], day)
    if len(numbers) != 3:
        return False
    first, second, third = numbers
    if first > 31:
        return _can_be(first, second, third) or _can_be(first, third, second)
    return _can_be(third, second, first) or _can_be(third, first, second)


def _can_be(year: int, month: int, day: int) -> bool:
    if year < 100:
        year += 1900
    return _FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]


_NAMED = Labelled(
    name="birth-date",
    entity="BIRTH_DATE",
    keywords=(
        "birth",
        "dob",
        "d.o.b",
        "born",
        "geburt",
        "geb.",
        "geboren",
        "naissance",
        "nacimiento",
        "fecnac",
        "f. nac",
        "nacid",
        "nascita",
        "nato ",
        "nata ",
        "nascimento",
        "nascid",
        "geboorte",
        "gebdat",
        "delsedag",
        "delsesdato",
        "delsdag",
        "dselsdato",
        "dselsdag",
        "syntym",
        "urodz",
        "narozen",
        "nasc.",
        "ldet",
        "fodt",
        "tanggal lahir",
        "bdate",
        "bday",
    ),
    label=r"(?i:(?<![a-z])(?:(?:date|day|year)[ _-]?of[ _-]?)?birth(?!time|place|[ _-]?rate|[ _]?cert)(?:[ _-]?(?:date|day))?s?"
    r"|(?<=date_of_)birth|(?<=dateof)birth|(?<=date-of-)birth|(?<=date of )birth"
    r"|(?<![a-z])d\.?o\.?b\.?|(?<![a-z])born|geburts?(?:datum|tag)?|(?<![a-z])geb\.|(?<![a-z])geboren|naissance|nacimiento|fecnac"
    r"|f\. nac|(?<![a-z])nacid[oa]"
    r"|nascita|(?<![a-z])nat[oa](?= )|nascimento|(?<![a-z])nascid[oa]|geboorte(?:datum|dag)?|gebdatum|delsedag|delsesdato|delsdag"
    r"|dselsdato|dselsdag"
    r"|syntym\w{0,8}|urodz\w{0,6}|narozen\w{0,3}|nasc\.|tanggal lahir|(?<![a-z])bdate|(?<![a-z])bday)",
    value=_DATE,
    reach=48,
    validate=_is_date,
    hits=(
        ("DOB: 04/12/1985", "04/12/1985"),
        ("date_of_birth\x021980-02-03\x03", "1980-02-03"),
        ("born on 3rd of March 1975 in", "3rd of March 1975"),
        ("She was born in Lyon on July 4, 1962.", "July 4, 1962"),
        ("Geburtsdatum: 7.11.1990", "7.11.1990"),
        ("geboren am 7. November 1990", "7. November 1990"),
        ("date de naissance : 14 juillet 1953", "14 juillet 1953"),
        ("fecha de nacimiento 02-05-88", "02-05-88"),
        ("name,dob,city\nAnn,1999-12-31,Rome\n", "1999-12-31"),
        ("birthDate: '1980-02-03T00:00:00Z'", "1980-02-03"),
        ("data urodzenia: 5 maja 1971", "5 maja 1971"),
    ),
    misses=("birthtime: 2019-06-22", "reborn 1980-02-03", "born 13/13/1980", "updated 1980-02-03", "birth rate 2019", "DOB: 1980-02-31"),
)

RULES = (
    _NAMED,
    other_scripts(
        _NAMED,
        "рождения Рождения родился родилась 生年月日 出生 生日 생년월일 γέννησης Γέννησης γεννήθηκε народження doğum Doğum születés"
        " Születés"
        " született"
        " nació Nació né_le née_le Né_le Née_le nașterii nasterii תאריך_לידה ולד الميلاد ngày_sinh Ngày_sinh जन्म वाढदिवस เกิด født Født född"
        " Född födelse Födelse fødsel Fødsel",
        ("дата рождения: 05.03.1981", "05.03.1981"),
        ("née le 14 juillet 1953 à Lyon", "14 juillet 1953"),
        ("出生日期：1990年5月17日", "1990年5月17日"),
        ("född 1971-05-06", "1971-05-06"),
    ),
)
