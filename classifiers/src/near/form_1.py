"""Form 1 of signatures, written a second time: prints `form_1.json`, which `near/tests.rs` compares with.

Run it as `python3 form_1.py > form_1.json`. It knows the shingles of one small text and no more.
"""

import hashlib
import hmac
import json

KEY = bytes([7] * 32)
MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def pair(label):
    mac = hmac.new(KEY, b"derived\0" + label.encode(), hashlib.sha256).digest()[16:]
    return int.from_bytes(mac[:8], "little"), int.from_bytes(mac[8:], "little")


def factor(label):
    return tuple(n | 1 for n in pair(label))


def fold(a, b):
    product = a * b
    return (product ^ (product >> 64)) & MASK


def rotate(x, n):
    return ((x << n) | (x >> (64 - n))) & MASK


def sip(key, message):
    v0, v1 = key[0] ^ 0x736F6D6570736575, key[1] ^ 0x646F72616E646F6D
    v2, v3 = key[0] ^ 0x6C7967656E657261, key[1] ^ 0x7465646279746573

    def rounds(n, v0, v1, v2, v3):
        for _ in range(n):
            v0, v2 = (v0 + v1) & MASK, (v2 + v3) & MASK
            v1, v3 = rotate(v1, 13) ^ v0, rotate(v3, 16) ^ v2
            v0 = rotate(v0, 32)
            v2, v0 = (v2 + v1) & MASK, (v0 + v3) & MASK
            v1, v3 = rotate(v1, 17) ^ v2, rotate(v3, 21) ^ v0
            v2 = rotate(v2, 32)
        return v0, v1, v2, v3

    for block in (message, 8 << 56):
        v0, v1, v2, v3 = rounds(2, v0, v1, v2, v3 ^ block)
        v0 ^= block
    v0, v1, v2, v3 = rounds(4, v0, v1, v2 ^ 0xFF, v3)
    return v0 ^ v1 ^ v2 ^ v3


WORD = factor("near copies: words")
SAMPLED = factor("near copies: which n-grams are kept")
PLACED = factor("near copies: where n-grams go")


def word(text):
    data = text.encode()
    value = WORD[0]
    for at in range(0, len(data), 16):
        low, high = (int.from_bytes(data[n : n + 8], "little") for n in (at, at + 8))
        value = fold(low ^ value, high ^ WORD[1])
    return value


def gram(words):
    total = 0
    for text in words:
        total = (rotate(total, 11) + word(text)) & MASK
    return (total + (len(words) if len(words) < 5 else 0)) & MASK


def grams(line):
    words = line.split()
    return [gram(words[n : n + 5]) for n in range(len(words) - 4)]


shingles = grams("the patient was seen on ward 12 bed 4")
shingles += [gram(["discharged"])]
shingles += grams("überweisung an die extraordinarily long praxis 患 者")
# The short values of the first record; the second has a small number only.
record = fold(gram(["follow", "up"]) ^ WORD[0], WORD[1])
shingles += [fold(record ^ WORD[1], WORD[0])]

sample = []
for shingle in shingles:
    fast = fold(shingle ^ SAMPLED[0], SAMPLED[1])
    level = 63 - min(64 - fast.bit_length(), 63)
    sample.append(level << 58 | sip(pair("near copies: sample"), fast) >> 6)

least = [MASK] * 128
for shingle in shingles:
    placed = fold(shingle ^ PLACED[0], PLACED[1])
    at = placed >> 57
    least[at] = min(least[at], placed & (1 << 57) - 1)
own = [None if n == MASK else sip(pair("near copies: minhash"), n) & 0xFFFF for n in least]


def lent(at):
    turn = 1
    while True:
        value = own[fold(at + 1, ((turn << 8 | 1) * GOLDEN) & MASK) >> 57]
        if value is not None:
            return value
        turn += 1


minhash = [lent(at) if value is None else value for at, value in enumerate(own)]
print(
    json.dumps(
        {
            "key": hashlib.sha256(b"lineward key id" + KEY).hexdigest()[:8],
            "form": 1,
            "shingles": len(shingles),
            "complete": True,
            "minhash": b"".join(n.to_bytes(2, "little") for n in minhash).hex(),
            "sample": b"".join(n.to_bytes(8, "little") for n in sorted(set(sample))).hex(),
        },
        indent=1,
    )
)
