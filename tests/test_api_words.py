"""The page's dictionary: every entry in both languages, every word that is used, no other."""

from __future__ import annotations

import re

from api.app import STATIC

ENTRY = re.compile(r'^  "([^"]+)": \["((?:[^"\\]|\\.)+)", "((?:[^"\\]|\\.)+)"\],$')
MADE = re.compile(r"\bt\(`([a-z]+)\.(?:[a-z]+-)?\$|\bnamed\(\"([a-z]+)\"")
PLACE = re.compile(r"\{\w+\}")
SCRIPTS = {
    path: path.read_text(encoding="utf-8")
    for path in sorted(STATIC.rglob("*.js"))
    if path.parent.name not in ("words", "storefront") and path.name != "coterie.js"
}


def entries() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for path in sorted((STATIC / "words").glob("*.js")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("  "):
                entry = ENTRY.match(line)
                assert entry, f"{path.name}: {line}"
                assert entry[1] not in found, f"{entry[1]} is there twice"
                found[entry[1]] = (entry[2], entry[3])
    return found


WORDS = entries()


def test_both_languages_say_the_same() -> None:
    for key, (english, chinese) in WORDS.items():
        for form in english.split("|"):
            assert set(PLACE.findall(form)) == set(PLACE.findall(chinese)), key
        assert "|" not in chinese, f"{key}: Chinese has no plural"
    same = {key for key, (english, chinese) in WORDS.items() if english == chinese}
    assert same <= {"cypher.title", "customer.rfm", "metric.ndcg"}


def test_every_word_used_is_there() -> None:
    for path, text in SCRIPTS.items():
        for key in re.findall(r"\bt\(\"([^\"]+)\"", text):
            assert key in WORDS, f"{path.name}: {key}"


def test_every_word_is_used() -> None:
    text = "\n".join(SCRIPTS.values())
    quoted = set(re.findall(r"[\"`]([\w-]+(?:\.[\w -]+)*)[\"`]", text))
    made = {a or b for a, b in MADE.findall(text)}
    unused = {k for k in WORDS if k not in quoted and k.partition(".")[0] not in made}
    assert not unused


def test_scripts_are_small_and_call_nothing_dangerous() -> None:
    for path, text in SCRIPTS.items():
        assert len(text.splitlines()) <= 300, path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function", text)
