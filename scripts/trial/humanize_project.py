"""humanize, whose tests look at the examples in docstrings, too: a human approves each ticket, which lands as a merge."""

import edits
from edits import REJECTED, Project, Ticket, add, change, new, rename, swap

SRC = "src/humanize"
HEAD = "from __future__ import annotations\n\n"


def function(id: str, title: str, module: str, code: str, test: str, **more) -> Ticket:
    tested = f"tests/test_{id.replace('-', '_')}.py"
    return edits.function(id, title, f"{SRC}/{module}.py", code, tested, HEAD + test, **more)


WRONG_OR = '''def natural_choice(items: Iterable[Any]) -> str:
    """Like `natural_list`, with 'or'.

    Examples:
        >>> natural_choice(["one", "two", "three"])
        'one, two or three'
        >>> natural_choice([])
        ''
    """
    *most, last = [str(item) for item in items]
    return f"{', '.join(most)} or {last}" if most else last
'''
RIGHT_OR = WRONG_OR.replace(
    "    *most, last = [str(item) for item in items]\n",
    "    *most, last = [str(item) for item in items] or [\"\"]\n",
)
YEAR = '''def is_leap(year: int) -> bool:
    """Whether a year has 366 days.

    Examples:
        >>> is_leap(2024), is_leap(1900), is_leap(2000)
        (True, False, True)
    """
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
'''

TICKETS = [
    function(
        "is-negative",
        "Tell a negative number, as a string too",
        "number",
        '''def is_negative(value: NumberOrString) -> bool:
    """Whether a number, or what spells one, is less than zero.

    Examples:
        >>> is_negative("-1"), is_negative(0)
        (True, False)
    """
    return float(value) < 0
''',
        '''from humanize.number import is_negative


def test_is_negative() -> None:
    assert is_negative(-0.5)
    assert not is_negative("3")
''',
        locks=[],
        meets="percent",
    ),
    function(
        "percent",
        "Write a share in percent",
        "number",
        '''def percent(value: float, precision: int = 0) -> str:
    """A share of one, in percent.

    Examples:
        >>> percent(0.256)
        '26%'
        >>> percent(0.256, 1)
        '25.6%'
    """
    return f"{value:.{precision}%}"
''',
        '''from humanize.number import percent


def test_percent() -> None:
    assert percent(1) == "100%"
''',
        locks=[],
        meets="is-negative",
    ),
    Ticket(
        "natural-choice",
        "List alternatives",
        [f"{SRC}/lists.py"],
        [add(f"{SRC}/lists.py", WRONG_OR)],
        repair=[swap(f"{SRC}/lists.py", WRONG_OR, RIGHT_OR)],
        leaves=[(f"{SRC}/lists.py", RIGHT_OR)],
        attempts=2,
    ),
    Ticket(
        "name-of-items",
        "Call the items by what they are",
        [f"{SRC}/lists.py"],
        [rename(f"{SRC}/lists.py", "natural_list", "item_list", "words")],
        leaves=[(f"{SRC}/lists.py", "    if len(words) == 1:\n")],
    ),
    change(
        "example-of-none",
        "Show what natural_list makes of nothing",
        f"{SRC}/lists.py",
        "        >>> natural_list([\"one\"])\n        'one'\n",
        "        >>> natural_list([\"one\"])\n        'one'\n        >>> natural_list([])\n        ''\n",
        commits=False,
    ),
    Ticket(
        "example-of-size",
        "Show the size of nothing",
        [f"{SRC}/filesize.py"],
        # Its own example is wrong, which the tests of the docstrings see.
        [
            swap(
                f"{SRC}/filesize.py",
                "        '-4.0 KiB'\n",
                "        '-4.0 KiB'\n        >>> naturalsize(0)\n        '0 B'\n",
            )
        ],
        repair=[swap(f"{SRC}/filesize.py", "        '0 B'\n", "        '0 Bytes'\n")],
        leaves=[(f"{SRC}/filesize.py", "        '0 Bytes'\n")],
        attempts=2,
    ),
    Ticket(
        "name-of-mantissa",
        "Name the mantissa of a size",
        [f"{SRC}/filesize.py"],
        [rename(f"{SRC}/filesize.py", "naturalsize", "ret", "written")],
        leaves=[(f"{SRC}/filesize.py", "    return written\n")],
    ),
    change(
        "describe-suffixes",
        "Say what the suffixes are for",
        f"{SRC}/filesize.py",
        "suffixes = {\n",
        "# From the first power of the base on.\nsuffixes = {\n",
    ),
    function(
        "is-leap",
        "Tell leap years",
        "time",
        YEAR,
        '''from humanize.time import is_leap


def test_is_leap() -> None:
    assert [year for year in range(1996, 2005) if is_leap(year)] == [1996, 2000, 2004]
''',
    ),
    Ticket(
        "name-of-day",
        "Name the day in naturaldate",
        [f"{SRC}/time.py"],
        [rename(f"{SRC}/time.py", "naturaldate", "original_value", "given")],
        leaves=[(f"{SRC}/time.py", '    return naturalday(given)\n')],
    ),
    Ticket(
        "other-days",
        "Say what other days are",
        [f"{SRC}/time.py"],
        [
            swap(
                f"{SRC}/time.py",
                "    return value.strftime(format)\n",
                "    # Any other day.\n    return value.strftime(format)\n",
            )
        ],
        sent_back="Say it in words of the docstring.",
        repair=[swap(f"{SRC}/time.py", "    # Any other day.\n", "    # Neither tomorrow, today nor yesterday.\n")],
        leaves=[(f"{SRC}/time.py", "    # Neither tomorrow, today nor yesterday.\n")],
        attempts=2,
    ),
    change(
        "lower-units",
        "Show one more unit that is suppressed",
        f"{SRC}/time.py",
        "    ['MICROSECONDS', 'MILLISECONDS', 'DAYS']\n",
        "    ['MICROSECONDS', 'MILLISECONDS', 'DAYS']\n"
        "    >>> _suppress_lower_units(Unit.MICROSECONDS, [])\n    set()\n",
        depends_on=["is-leap"],
    ),
    function(
        "known-locales",
        "List the locales with separators of their own",
        "i18n",
        '''def separated_locales() -> list[str]:
    """The locales that have a thousands separator other than a comma."""
    return sorted(locale for locale in _THOUSANDS_SEPARATOR if locale)
''',
        '''from humanize.i18n import separated_locales


def test_separated_locales() -> None:
    assert "de_DE" in separated_locales()
''',
    ),
    change(
        "hint-current",
        "Say what _CURRENT is",
        f"{SRC}/i18n.py",
        "_CURRENT = local()\n",
        "_CURRENT: local = local()\n",
    ),
    change(
        "more-lists",
        "Test a list of mixed things",
        "tests/test_lists.py",
        '        ([[1, 2, 3]], "1, 2 and 3"),\n',
        '        ([[1, 2, 3]], "1, 2 and 3"),\n        ([["one", 2, None]], "one, 2 and None"),\n',
    ),
    change(
        "readme",
        "Call the package what it is",
        "README.md",
        "This modest package contains",
        "This package contains",
        commits=False,
    ),
    change(
        "immodest",
        "Praise the package",
        "RELEASING.md",
        "# Release checklist\n",
        "# The best release checklist\n",
        fate=REJECTED,
    ),
    Ticket(
        "locale-none",
        "Translate by default",
        [f"{SRC}/locale/**", "tests/test_i18n.py"],
        [swap("tests/test_i18n.py", "from __future__ import annotations\n", HEAD + 'raise RuntimeError("no")\n')],
        fate=r"verifier quick failed \(run \d+: exit 2\)",
        leaves=[("tests/test_i18n.py", 'raise RuntimeError("no")')],
        attempts=3,
    ),
    Ticket(
        "docs-and-more",
        "Name the documentation",
        ["mkdocs.yml"],
        [
            swap("mkdocs.yml", "site_name: humanize", "site_name: Humanize"),
            new("docs/extra.md", "Nobody asked for this.\n"),
        ],
        fate=r"it changes paths outside its locks: docs/extra\.md",
        leaves=[("mkdocs.yml", "site_name: Humanize"), ("docs/extra.md", "Nobody asked")],
    ),
    Ticket(
        "nothing-to-do",
        "Do what is done already",
        ["scripts/**"],
        [],
        fate=r"the agent changed nothing at all \(run \d+\)",
    ),
]

PROJECT = Project(
    name="humanize",
    version="4.17.0",
    requirements=["pytest==9.2.0", "freezegun==1.5.5", "pytest-codspeed==5.0.4"],
    tests=[],
    quick=["tests/test_lists.py", "tests/test_i18n.py"],
    configuration={"approve": "human", "landing": {"method": "merge"}},
    tickets=TICKETS,
)
