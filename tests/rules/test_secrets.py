"""What looks like a secret and what doesn't, and how secrets are masked and replaced."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.secrets import RULES, Redactor, masked, matches, texts_of
from llm_session_memory.services.secret_rules import more
from tests.world.laws import tried
from tests.world.secret_log import HEX, LETTERS, PEM, key


def found(text: str, **options: object) -> list[tuple[str, str]]:
    """Return the kinds and values that are found in a text."""
    return [(one.kind, text[one.start : one.end]) for one in matches(text, **options)]  # type: ignore[arg-type]


KEYS = {
    key("sk-proj-", 60): "OpenAI key",
    key("sk-", 20) + "T3BlbkFJ" + key("", 20): "OpenAI key",
    key("sk-ant-api03-", 80): "Anthropic key",
    key("sk-or-v1-", 64, HEX): "OpenRouter key",
    key("sk-", 32, HEX): "model provider's key",
    key("AIza", 35): "Google API key",
    key("gsk_", 52): "Groq key",
    key("xai-", 80): "xAI key",
    key("pplx-", 48): "Perplexity key",
    key("hf_", 34): "Hugging Face token",
    key("r8_", 37): "Replicate token",
    key("csk-", 48, LETTERS.lower()): "Cerebras key",
    key("nvapi-", 64): "NVIDIA key",
    key("AKIA", 16, LETTERS.upper()): "AWS access key",
    key("ghp_", 36): "GitHub token",
    key("glpat-", 20): "GitLab token",
    key("xoxb-", 40): "Slack token",
    key("npm_", 36): "npm token",
    key("AGE-SECRET-KEY-1", 58, LETTERS.upper()): "age key",
    PEM: "private key",
}


@pytest.mark.parametrize(("value", "kind"), KEYS.items(), ids=lambda one: one[:10])
def test_a_key_is_found_wherever_it_stands(value: str, kind: str) -> None:
    """A key is found whole in prose, in quotes, and as the value of a variable, and by one rule only."""
    for text in (f"My key is {value}.", f'"{value}"', f"KEY={value}\nMORE=1", f"({value})"):
        assert found(text) == [(kind, value)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f'OPENAI_API_KEY="{key("", 40)}"', key("", 40)),
        (f"client_secret: {key('', 24)}", key("", 24)),
        (f'{{"access_token": "{key("", 30)}"}}', key("", 30)),
        (f"Authorization: Bearer {key('', 40)}", key("", 40)),
        ("password = hunter2abc", "hunter2abc"),
        ("postgres://me:s3cretPw9@db/x", "s3cretPw9"),
    ],
    ids=lambda one: one[:20],
)
def test_a_telling_name_makes_a_value_a_secret(text: str, value: str) -> None:
    """A random value is a secret because of the word before it."""
    assert [one for _, one in found(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens=4096",
        "token: gpt-4o-mini-2024-07-18",
        "api_key=os.environ['OPENAI_API_KEY2']",
        "secret_key = settings.SECRET_KEY2",
        "The secret: we meet at 10:30am.",
        "api_key = sk-your-key-here-0123456789abcdefgh",
        "sk-" + "x" * 40,
        "AKIAIOSFODNN7EXAMPLE",
        "password: [redacted: password]",
        "token = tokens[1]",
        "the bearer of this letter2 authorised",
        "https://example.com/a:b@c",
        "task-" + "a1" * 20,
        "",
    ],
)
def test_what_only_looks_like_a_secret_is_left_alone(text: str) -> None:
    """Names, examples, numbers and code that reads a secret from elsewhere are no secrets."""
    assert found(text) == []


@pytest.mark.parametrize("noise", ["acgt", "-eyJ", "0123abcd"])
def test_a_long_text_without_an_end_is_looked_through_once(noise: str) -> None:
    """Data beside an address or a token's beginning: from each character anew, it would take minutes."""
    assert found(f"https://x.example {noise * 40_000}") == []


def test_of_many_secrets_in_one_text_none_is_lost() -> None:
    """They are found in order, and of two that overlap only the one of the first rule."""
    keys = [key(f"sk-proj-{number:05}", 40) for number in range(2_000)]
    assert [value for _, value in found("\n".join(f"token={one}" for one in keys))] == keys


def test_json_that_is_nested_too_deeply_is_a_text() -> None:
    """A tool may return anything."""
    deep = "[" * 100_000 + f'"{key("sk-proj-", 60)}"' + "]" * 100_000
    assert [*texts_of(deep, is_json=True)] == [deep]
    redactor = Redactor({key("sk-proj-", 60): "OpenAI key"})
    assert key("sk-proj-", 60) not in redactor.column(deep, is_json=True)


def test_every_rule_has_hints_that_its_matches_have() -> None:
    """No rule is kept from a match by its hints: each key of the table is found by the rules without hints too."""
    for value, kind in KEYS.items():
        assert (kind, value) in found(f"x {value} y", rules=RULES)


def test_the_package_adds_rules_and_no_doubles() -> None:
    """With detect-secrets, quoted passwords without digits are found too, and a key that both know is found once."""
    assert more() is not None
    twilio = key("AC", 32, HEX)
    text = f'password = "correcthorse"\n{key("ghp_", 36)}\n{twilio}\npassword = get_password()\nsecret = "the meeting"'
    kinds = [kind for kind, _ in found(text, more=more())]
    assert kinds == ["password", "GitHub token", "Twilio API Key"]


def test_values_of_json_are_judged_by_the_names_of_their_fields() -> None:
    """A field's name tells as a word in a text does; signatures of providers are not looked at."""
    value = {"api_key": key("", 40), "signature": key("sk-proj-", 40), "list": [{"text": key("hf_", 34)}]}
    texts = [*texts_of(json.dumps(value), is_json=True)]
    assert [kind for text in texts for kind, _ in found(text)] == ["secret", "Hugging Face token"]
    assert [*texts_of("{no json", is_json=True)] == ["{no json"]


def test_a_mask_says_little() -> None:
    """Of a long key its ends are shown, of a password one character at each end; of a block its first line."""
    shown = masked(key("sk-proj-", 40))
    assert shown.startswith("sk-p…")
    assert shown.endswith("(48 characters)")
    assert len(shown) == len("sk-p…1234 (48 characters)")
    assert masked("hunter2") == "… (7 characters)"
    assert masked(PEM).splitlines() == [f"{PEM.splitlines()[0]} ({len(PEM)} characters)"]


@tried(60)
@given(st.text(max_size=30), st.text(min_size=1, max_size=20), st.text(max_size=30))
def test_no_form_of_a_secret_is_left(before: str, secret: str, after: str) -> None:
    """A secret is gone from a text, from JSON, and from JSON in JSON; JSON stays JSON; twice is once."""
    redactor = Redactor({secret: "password"})
    text = before + secret + after
    inner = json.dumps({"arguments": json.dumps([text])})
    changed = redactor.column(inner, is_json=True)
    if len(secret) > 10:  # a short one may be part of what replaces it
        assert secret not in redactor.text(text)
        assert secret not in json.loads(json.loads(changed)["arguments"])[0]
        assert redactor.text(redactor.text(text)) == redactor.text(text)
    [(_, arguments)] = json.loads(changed).items()  # the name too is replaced if it is the secret
    json.loads(arguments)
