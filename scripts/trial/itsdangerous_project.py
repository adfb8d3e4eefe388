"""itsdangerous, its tickets landed by policy, each as one commit."""

import edits
from edits import Project, Ticket, add, change, new, rename, swap

SRC = "src/itsdangerous"
TESTS = "tests/test_itsdangerous"


def function(id: str, title: str, module: str, code: str, test: str, **more) -> Ticket:
    return edits.function(id, title, f"{SRC}/{module}.py", code, f"{TESTS}/test_{id.replace('-', '_')}.py", test, **more)


WRONG_PAD = '''def pad_base64(value: bytes) -> bytes:
    """Put back the padding that :func:`base64_encode` strips."""
    return value + b"=" * (len(value) % 4)
'''
RIGHT_PAD = WRONG_PAD.replace("(len(value) % 4)", "(-len(value) % 4)")
PAD_TEST = '''from itsdangerous.encoding import pad_base64


def test_pad_base64():
    assert pad_base64(b"YQ") == b"YQ=="
    assert pad_base64(b"YWE") == b"YWE="
    assert pad_base64(b"YWFh") == b"YWFh"
'''
LOOSE = "        except BadSignature:\n            return True\n\n\nclass TimedSerializer"
STRICT = "        except BadSignature:\n            return False\n\n\nclass TimedSerializer"

TICKETS = [
    function(
        "is-url-safe",
        "Tell what can be put into a URL as it is",
        "url_safe",
        '''def is_url_safe(value: str) -> bool:
    """Whether nothing in the value has to be escaped in a URL."""
    return all(c.isascii() and (c.isalnum() or c in "-_.") for c in value)
''',
        '''from itsdangerous.url_safe import is_url_safe


def test_is_url_safe():
    assert is_url_safe("abc.DEF-_9")
    assert not is_url_safe("a b") and not is_url_safe("ä")
''',
        locks=[],
        meets="is-compressed",
    ),
    function(
        "is-compressed",
        "Tell a compressed payload",
        "url_safe",
        '''def is_compressed(payload: bytes) -> bool:
    """Whether a payload was compressed before it was encoded."""
    return payload.startswith(b".")
''',
        '''from itsdangerous import URLSafeSerializer
from itsdangerous.url_safe import is_compressed


def test_is_compressed():
    serializer = URLSafeSerializer("key")
    assert is_compressed(serializer.dump_payload("a" * 1000))
    assert not is_compressed(serializer.dump_payload("a"))
''',
        locks=[],
        meets="is-url-safe",
    ),
    function(
        "is-base64",
        "Tell base64 from what is none",
        "encoding",
        '''def is_base64(value: str | bytes) -> bool:
    """Whether the value could be decoded by :func:`base64_decode`."""
    try:
        base64_decode(value)
    except BadData:
        return False
    return True
''',
        '''from itsdangerous.encoding import is_base64


def test_is_base64():
    assert is_base64("YWJj")
    assert not is_base64("12345")
''',
    ),
    Ticket(
        "pad-base64",
        "Put padding back",
        [f"{SRC}/encoding.py", f"{TESTS}/test_pad_base64.py"],
        [add(f"{SRC}/encoding.py", WRONG_PAD), new(f"{TESTS}/test_pad_base64.py", PAD_TEST)],
        repair=[swap(f"{SRC}/encoding.py", WRONG_PAD, RIGHT_PAD)],
        leaves=[(f"{SRC}/encoding.py", RIGHT_PAD)],
        attempts=2,
    ),
    Ticket(
        "name-of-bytes",
        "Call the bytes to encode by what they are",
        [f"{SRC}/encoding.py"],
        [rename(f"{SRC}/encoding.py", "base64_encode", "string", "data")],
        leaves=[(f"{SRC}/encoding.py", "urlsafe_b64encode(data)")],
    ),
    Ticket(
        "describe-want-bytes",
        "Describe want_bytes",
        [f"{SRC}/encoding.py"],
        [
            # As often when one writes in a hurry: a quote is missing, and nothing can be imported.
            swap(
                f"{SRC}/encoding.py",
                ") -> bytes:\n    if isinstance(s, str):",
                ') -> bytes:\n    """Encode text; leave bytes alone.""\n    if isinstance(s, str):',
            )
        ],
        repair=[swap(f"{SRC}/encoding.py", 'leave bytes alone.""\n', 'leave bytes alone."""\n')],
        leaves=[(f"{SRC}/encoding.py", '"""Encode text; leave bytes alone."""\n')],
        attempts=2,
    ),
    change(
        "describe-int-to-bytes",
        "Describe int_to_bytes",
        f"{SRC}/encoding.py",
        "def int_to_bytes(num: int) -> bytes:\n",
        'def int_to_bytes(num: int) -> bytes:\n    """The big-endian bytes of a number, without leading zeros."""\n',
        commits=False,
    ),
    change(
        "hint-date-signed",
        "Say what date_signed is",
        f"{SRC}/exc.py",
        "        self.date_signed = date_signed\n",
        "        self.date_signed: datetime | None = date_signed\n",
    ),
    function(
        "exception-names",
        "List the exceptions by name",
        "exc",
        '''def names() -> list[str]:
    """The names of all exceptions of this module."""
    return [k for k, v in globals().items() if isinstance(v, type) and issubclass(v, BadData)]
''',
        '''from itsdangerous import exc


def test_names():
    assert "BadData" in exc.names() and "SignatureExpired" in exc.names()
''',
    ),
    Ticket(
        "age-of-signature",
        "Tell the age of a signature",
        [f"{SRC}/timed.py", f"{TESTS}/test_age.py"],
        [
            swap(
                f"{SRC}/timed.py",
                "    def validate(self, signed_value: str | bytes, max_age",
                "    def age(self, signed_value: str | bytes) -> int:\n"
                '        """How many seconds ago the value was signed."""\n'
                "        signed = self.unsign(signed_value, return_timestamp=True)[1]\n"
                "        return self.get_timestamp() - int(signed.timestamp())\n\n"
                "    def validate(self, signed_value: str | bytes, max_age",
            ),
            new(
                f"{TESTS}/test_age.py",
                "from itsdangerous import TimestampSigner\n\n\n"
                "def test_age():\n"
                '    signer = TimestampSigner("key")\n'
                '    assert 0 <= signer.age(signer.sign("value")) <= 60\n',
            ),
        ],
        leaves=[(f"{SRC}/timed.py", "    def age(self"), (f"{TESTS}/test_age.py", "def test_age")],
    ),
    Ticket(
        "validate-early",
        "Validate earlier",
        [f"{SRC}/timed.py"],
        # It breaks tests of the project's own.
        [swap(f"{SRC}/timed.py", STRICT, LOOSE)],
        repair=[
            swap(f"{SRC}/timed.py", LOOSE, STRICT),
            swap(
                f"{SRC}/timed.py",
                "the signature exists and is valid.\"\"\"\n",
                'the signature exists, is valid and is not too old.\n        """\n',
            ),
        ],
        leaves=[(f"{SRC}/timed.py", "is not too old."), (f"{SRC}/timed.py", STRICT)],
        attempts=2,
    ),
    Ticket(
        "name-of-expiry",
        "Call the last exception by what it is",
        [f"{SRC}/timed.py"],
        [rename(f"{SRC}/timed.py", "loads", "last_exception", "mismatch")],
        leaves=[(f"{SRC}/timed.py", "raise t.cast(BadSignature, mismatch)")],
    ),
    function(
        "key-count",
        "Count the keys of a signer",
        "signer",
        '''def key_count(signer: Signer) -> int:
    """How many keys a signer verifies with."""
    return len(signer.secret_keys)
''',
        '''from itsdangerous import Signer
from itsdangerous.signer import key_count


def test_key_count():
    assert key_count(Signer("one")) == 1
    assert key_count(Signer(["one", "two"])) == 2
''',
    ),
    change(
        "hint-derivations",
        "Name the key derivations in the error",
        f"{SRC}/signer.py",
        'raise TypeError("Unknown key derivation method")',
        'raise TypeError(f"Unknown key derivation method {self.key_derivation!r}")',
        commits=False,
    ),
    change(
        "describe-compact-json",
        "Describe what CompactJSON writes",
        f"{SRC}/_json.py",
        '"""Wrapper around json module that strips whitespace."""',
        '"""Wrapper around json module that writes neither whitespace nor escapes of\n    characters beyond ASCII.\n    """',
    ),
    change(
        "change-log",
        "Tell of is_base64 in the change log",
        "CHANGES.rst",
        "Version 2.2.0\n",
        "Unreleased\n----------\n\n-   Add ``encoding.is_base64``.\n\n\nVersion 2.2.0\n",
        depends_on=["is-base64"],
    ),
    change(
        "more-int-bytes",
        "Test one more integer",
        f"{TESTS}/test_encoding.py",
        '((0, b""), (192, b"\\xc0"),',
        '((0, b""), (1, b"\\x01"), (192, b"\\xc0"),',
    ),
    Ticket(
        "text-is-bytes",
        "Serialize text as bytes",
        [f"{SRC}/serializer.py"],
        [swap(f"{SRC}/serializer.py", "serializer.dumps({}), str)", "serializer.dumps({}), bytes)")],
        fate=r"verifier test failed \(run \d+: exit 1\)",
        leaves=[(f"{SRC}/serializer.py", "serializer.dumps({}), bytes)")],
        attempts=3,
    ),
    Ticket(
        "readme-and-more",
        "Shorten the README",
        ["README.md"],
        [
            swap("README.md", "# ItsDangerous\n", "# It is dangerous\n"),
            swap("tox.ini", "[testenv]\n", "[testenv]\n# Not what was asked for.\n"),
        ],
        fate=r"it changes paths outside its locks: tox\.ini",
        leaves=[("README.md", "# It is dangerous\n"), ("tox.ini", "# Not what was asked for.")],
    ),
    Ticket(
        "gives-up",
        "Sign without a key",
        ["docs/**"],
        [new("docs/half.rst", "Half of it\n")],
        exit=3,
        fate=r"the agent failed \(run \d+: exit 3\)",
        leaves=[("docs/half.rst", "Half of it\n")],
    ),
]

PROJECT = Project(
    name="itsdangerous",
    version="2.2.0",
    requirements=["pytest==9.2.0", "freezegun==1.5.5"],
    tests=[],
    quick=[f"{TESTS}/test_encoding.py"],
    configuration={"approve": "auto", "landing": {"method": "squash"}},
    tickets=TICKETS,
    ignored="__pycache__/\n",
)
