"""Real and tricky text with the token ids that the `tokenizers` package gives it."""

import json
import random

from tokenizers import Tokenizer

from llama import bpe_tokenizer

SEED = 0
WIKI_LINES = 310
TRICKY = [
    "",
    " ",
    "   ",
    "\n",
    "\t",
    "\r\n",
    "Hello, world!",
    "  two leading and two trailing spaces  ",
    "many     spaces      in       between",
    "tabs\tand\t\tmore\ttabs",
    "lines\nand\n\nempty lines\n",
    "windows\r\nline\r\n\r\nends",
    "don't can't I'll we've they're she'd I'm it's",
    "DON'T CAN'T I'LL WE'VE 'tis 'twas rock'n'roll",
    "0 1 12 123 1234 12345 3.14159 1,000,000 1e-5 0x1F",
    "Year 2026, 50% of $9.99 costs 4.995; ½ ² ³ Ⅷ ٣ ३",
    "naïve café résumé Ångström übergroß São Paulo",
    "cafe\u0301 de\u0301ja\u0300 vu, combining A\u030angstro\u0308m",
    "Łódź, Žižkov, Šiauliai, İstanbul, ıssız, straße, STRASSE, ẞ",
    "中文没有空格，日本語もそうです。",
    "漢字とEnglishとカタカナ 123 ｆｕｌｌ ｗｉｄｔｈ",
    "한국어 문장입니다.",
    "Emoji: 😀 👍🏽 👩‍👩‍👧‍👦 🇩🇪 ❤️ ☃",
    "Привет, мир! Съешь ещё этих мягких французских булок.",
    "مرحبا بالعالم، السَّلَامُ عَلَيْكُمْ",
    "שלום עולם, בְּרֵאשִׁית",
    "नमस्ते दुनिया, क्षत्रिय",
    "สวัสดีชาวโลก",
    "Ελληνικά: ὁ βίος βραχύς, ἡ δὲ τέχνη μακρή. ΣΊΣΥΦΟΣ",
    "control \u0001\u0002\u0007\u001b[0m\u007f characters \u0000 and \u0085 \u009f",
    "bytes that are not in every vocabulary: \u0004 \u0006 \u0013 \u0014 \u0016 \u001d",
    "zero\u200bwidth, soft\u00adhyphen, no\u00a0break, \ufeffmark, thin\u2009space, \u3000wide, line\u2028separator",
    "private \ue000 use, replacement \ufffd, plane \U0001d4d0\U0001d4d1 math, tag \U000e0041",
    "x" * 250,
    "supercalifragilisticexpialidocious" * 5,
    "https://example.org/path_to/file-name.html?q=a+b&c=%20#top user@example.org",
    "def f(x):\n    return {'a': [1, 2], \"b\": x**2 != 3 and x <= 4}  # comment",
    "!!!??? ... --- === *** ((([[[{{{<<<>>>}}}]]]))) ~`@#$%^&*_+|\\/:;",
    "“quotes” ‘single’ «guillemets» – en — em … ellipsis • bullet † ‡ § ¶",
    "MiXeD CaSe WORDS and snake_case camelCase kebab-case I.B.M. e.g. U.S.",
]
# Text that contains special tokens; it is tokenized both as plain text and with the tokens parsed.
SPECIAL_WORDPIECE = ["a [MASK] in the [CLS] middle [SEP]", "[PAD][UNK]", "not [mask] this [ MASK ]"]
SPECIAL_BPE = ["<|im_start|>user\nHello<|im_end|>\n", "a<|endoftext|>b <repo_name>c", "<|im_start| >"]


def lines(text_folder):
    """The tricky lines, the Lee documents and a seeded choice of Wikipedia paragraphs."""
    lee = (text_folder / "lee.txt").read_text(encoding="utf-8").splitlines()
    wiki = (text_folder / "wiki.txt").read_text(encoding="utf-8").split("\n")
    paragraphs = [line for line in wiki if line and not line.startswith(" = ")]
    return [*TRICKY, *lee, *random.Random(SEED).sample(paragraphs, WIKI_LINES)]


def cases(texts, plain, special_texts, parsing):
    """Entries {text, ids, parse_special} for ordinary texts and, in both ways, for those with special tokens."""

    def case(tokenizer, text):
        return {"text": text, "ids": tokenizer.encode(text).ids, "parse_special": tokenizer is parsing}

    both = [case(tokenizer, text) for text in special_texts for tokenizer in (plain, parsing)]
    return [case(plain, text) for text in texts] + both


def wordpiece_tokenizers(path):
    """The tokenizer of a tokenizer.json without padding and truncation: (special tokens as plain text, parsed)."""
    description = json.loads(path.read_text(encoding="utf-8"))
    description |= {"padding": None, "truncation": None}
    parsing = Tokenizer.from_str(json.dumps(description))
    plain = Tokenizer.from_str(json.dumps(description | {"added_tokens": []}))
    return plain, parsing


def write_cases(folder, text_folder, tokenizer_json, gguf_file):
    """Write tokenizer-wordpiece.json and tokenizer-bpe.json."""
    texts = lines(text_folder)
    plain, parsing = wordpiece_tokenizers(tokenizer_json)
    write_json(folder / "tokenizer-wordpiece.json", cases(texts, plain, SPECIAL_WORDPIECE, parsing))
    plain, parsing = bpe_tokenizer(gguf_file), bpe_tokenizer(gguf_file, parse_special=True)
    write_json(folder / "tokenizer-bpe.json", cases(texts, plain, SPECIAL_BPE, parsing))


def write_json(path, value):
    """Write a list with one entry on a line."""
    path.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in value) + "\n]\n", encoding="ascii")
