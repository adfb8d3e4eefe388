"""Text that nobody would write, the same for the same seed."""

NASTY = [
    "\033[2J", "\033[H", "\033[31m", "\033[7m", "\033]0;title\007", "\033]52;c;ZXZpbA==\007", "\033c", "\033[?1049l",
    "\033P1$r0m\033\\", "\x9b5m", "\033(0", "\x0e", "\x0f", "\t", "\r\n", "\b\b", "\0", "\x7f", "👩‍💻", "👩‍👩‍👧‍👦", "👍🏽", "❤️",
    "☎︎", "1️⃣", "🇫🇷", "🇫", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "日本語", "한국어", "ᄀ", "각", "e\u0301", "\u202eabc\u202c", "\u2066x\u2069", "\u200f", "\u200b",
    "\ufeff", "\xad", "\u2028", "क्षि", "ก็ำ", "\ufe0f", "\u200d", "\u20e3", "▏█▕", "─│┼", "ｱﾞ", "Ａ", "\u3000", "🏻", "日" * 40,
    "a\u0301\u0302\u0303\u0304\u0305", "x" * 300,
]
RANGES = [
    (0x20, 0x7E), (0x20, 0x7E), (0x20, 0x7E), (0x20, 0x7E), (0, 0x9F), (0x300, 0x36F), (0x4E00, 0x9FFF), (0x1F300, 0x1FAFF),
    (0x900, 0x1200), (0x2000, 0x2FFF), (0x590, 0x8FF), (0xA000, 0xFFFD), (0x80, 0x1FFFF),
]


class Hostile:
    """`without`: characters that never come."""

    def __init__(self, chance, without):
        self.chance = chance
        self.without = without

    def text(self, pieces=12):
        chance = self.chance
        text = ""
        for _ in range(chance.randrange(pieces)):
            if chance.random() < 0.15:
                text += chance.choice(NASTY)
            else:
                text += chr(chance.randint(*chance.choice(RANGES)))
        return "".join(c for c in text if ord(c) not in self.without and not 0xD800 <= ord(c) < 0xE000)

    def lines(self, count):
        return "\n".join(self.text() for _ in range(self.chance.randrange(count)))

    def bytes(self, pieces):
        """Not all of it UTF-8."""
        data = b""
        for _ in range(self.chance.randrange(pieces)):
            data += self.text(6).encode() + (b"\n" if self.chance.random() < 0.3 else b"")
            if self.chance.random() < 0.3:
                data += bytes([self.chance.randrange(256)])
        if self.without.isdisjoint(map(ord, data.decode(errors="replace"))):
            return data
        return b"?"
