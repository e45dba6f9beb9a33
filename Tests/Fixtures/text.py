"""English text: a Wikipedia sample without markup, the Lee documents, single sentences (standard library only)."""

import bz2
import html
import random
import re

from workspace import FixtureError, Wheel, read_member, say

WHEEL = Wheel("gensim", "4.4.0", "91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8")
DATA = "gensim/test/test_data/"
WIKIPEDIA = DATA + "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
LEE = DATA + "lee.cor"

HELD_OUT_EVERY = 4
SENTENCES = 600
SENTENCE_LENGTHS = range(40, 401)
PARAGRAPH_LENGTH = 200
SEED = 0

PAGE = re.compile(r"<title>(.*?)</title>.*?<text[^>]*>(.*?)</text>", re.S)
TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
FILE_LINK = re.compile(r"\[\[(?:File|Image|Category):[^\[\]]*(?:\[\[[^\[\]]*\]\][^\[\]]*)*\]\]")
# Each pattern in turn is replaced; templates and file links, which nest, come in between (see `plain_text`).
BEFORE_TEMPLATES = [
    (re.compile(r"<!--.*?-->", re.S), ""),
    (re.compile(r"<ref[^>/]*/>"), ""),
    (re.compile(r"<ref.*?</ref>", re.S), ""),
    (re.compile(r"<(math|gallery|timeline|code|source|syntaxhighlight)[^>]*>.*?</\1>", re.S), ""),
]
TABLES = [(re.compile(r"\{\|.*?\|\}", re.S), "")]
AFTER_FILE_LINKS = [
    (re.compile(r"\[\[[^\[\]|]*\|([^\[\]]*)\]\]"), r"\1"),
    (re.compile(r"\[\[([^\[\]]*)\]\]"), r"\1"),
    (re.compile(r"\[https?://\S+ ?([^\]]*)\]"), r"\1"),
    (re.compile(r"'{2,}"), ""),
    (re.compile(r"<[^>]+>"), ""),
]


def replace_all(text, replacements):
    """Apply a list of (pattern, replacement) in order."""
    for pattern, replacement in replacements:
        text = pattern.sub(replacement, text)
    return text


def replace_nested(pattern, text):
    """Remove a nesting construct from the inside out until none is left."""
    count = 1
    while count:
        text, count = pattern.subn("", text)
    return text


def plain_text(markup):
    """The text of a Wikipedia article without its markup."""
    text = replace_all(markup, BEFORE_TEMPLATES)
    text = replace_nested(TEMPLATE, text)
    text = replace_all(text, TABLES)
    text = replace_nested(FILE_LINK, text)
    return replace_all(text, AFTER_FILE_LINKS)


def paragraphs(markup):
    """The long paragraphs of running text of an article; lists, tables and headings are left out."""
    lines = (line.strip() for line in plain_text(markup).split("\n"))
    kept = (
        line for line in lines if len(line) > PARAGRAPH_LENGTH and line[0] not in "*#|{}=:;!" and "http" not in line
    )
    return [re.sub(r"\s+", " ", line) for line in kept]


def read_articles(dump):
    """The articles of a Wikipedia dump as (title, paragraphs)."""
    articles = []
    for title, escaped in PAGE.findall(dump):
        markup = html.unescape(escaped)
        if markup.lstrip().upper().startswith("#REDIRECT"):
            continue
        text = paragraphs(markup)
        if text:
            articles.append((html.unescape(title), text))
    return articles


def as_document(articles):
    """Articles as one text: a title line, one line for each paragraph, an empty line."""
    return "".join(f" = {title} = \n" + "\n".join(text) + "\n\n" for title, text in articles)


def sentences_of(text):
    """The sentences of suitable length, split simply at '. '; each ends with a full stop."""
    sentences = []
    for paragraph in text:
        parts = paragraph.split(". ")
        sentences += [part + "." for part in parts[:-1]] + parts[-1:]
    return [sentence for sentence in sentences if len(sentence) in SENTENCE_LENGTHS]


def choose_sentences(articles, count):
    """A seeded choice of different sentences, taken from the articles in turn."""
    generator = random.Random(SEED)
    pools = []
    for _, text in articles:
        pool = list(dict.fromkeys(sentences_of(text)))
        generator.shuffle(pool)
        pools.append(pool)
    chosen = {}
    while len(chosen) < count:
        if not any(pools):
            raise FixtureError(f"The articles have only {len(chosen)} different sentences of suitable length.")
        for pool in pools:
            if pool:
                chosen.setdefault(pool.pop())
    return list(chosen)[:count]


def build(workspace):
    """Make text/."""
    wheel = workspace.downloads.wheel(WHEEL)
    folder = workspace.new_folder("text")
    articles = read_articles(bz2.decompress(read_member(wheel, WIKIPEDIA)).decode("utf-8"))
    held_out = articles[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    kept = [article for index, article in enumerate(articles) if index % HELD_OUT_EVERY != HELD_OUT_EVERY - 1]
    lee = [line.strip() for line in read_member(wheel, LEE).decode("latin-1").split("\n") if line.strip()]
    files = {
        "wiki.txt": as_document(kept),
        "wiki-heldout.txt": as_document(held_out),
        "sentences.txt": "\n".join(choose_sentences(kept, SENTENCES)) + "\n",
        "lee.txt": "\n".join(lee) + "\n",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content.encode("utf-8"))
    say(f"text: {len(kept)} articles, {len(held_out)} held out, {SENTENCES} sentences, {len(lee)} Lee documents")
