"""The forms of secrets: keys and tokens of services by what they begin with, and what stands after telling words."""

from __future__ import annotations

Form = tuple[str, str, tuple[str, ...]]

_B = r"(?<![A-Za-z0-9])"
"""A key does not begin in the middle of a word."""

_E = r"(?![A-Za-z0-9])"

_IS = r"[\"'`]?\s*(?::=|=>|=|:)\s*[\"'`]?"
_VALUE = r"(?P<secret>[^\s\"'`,;<>{}()\[\]|\\]{8,200})"


_PEM = r"(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?"
_GITLAB = tuple(f"gl{what}-" for what in "pat oas dt rt cbt ptt ft imt agent soat ffct".split())


def _key(kind: str, begins: str, rest: str, *hints: str) -> Form:
    return kind, f"{_B}{begins}{rest}{_E}", hints or (begins,)


FORMS: tuple[Form, ...] = (
    # a block without its end was cut, so it goes to the end of the text
    (
        "private key",
        rf"-----BEGIN {_PEM}-----(?:[\s\S]{{1,20000}}?-----END {_PEM}-----|(?:\\n|[A-Za-z0-9+/=:,\s-])+)",
        ("PRIVATE KEY",),
    ),
    _key("age key", "AGE-SECRET-KEY-", r"(?:PQ-)?1[0-9A-Z]{58,}"),
    # model providers, and what is used with models
    _key("Anthropic key", "sk-ant-", r"[a-z0-9]+-[\w-]{20,}"),
    _key("OpenRouter key", "sk-or-", r"(?:v1-)?[0-9a-f]{40,}"),
    _key("Langfuse key", "sk-lf-", r"[0-9a-f-]{30,}"),
    _key("OpenAI key", "sk-", r"(?:proj|svcacct|admin|None|live|service|org)-[\w-]{20,}"),
    _key("OpenAI key", "sk-", r"[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}", "T3BlbkFJ"),
    _key("model provider's key", "sk-", r"[A-Za-z0-9]{32,}"),
    _key("Google API key", "AIza", r"[\w-]{35}"),
    _key("Google API key", r"AQ\.", r"Ab[\w-]{40,}", "AQ."),
    _key("Google OAuth secret", "GOCSPX-", r"[\w-]{20,}"),
    _key("Google OAuth token", r"ya29\.", r"[\w-]{20,}", "ya29."),
    _key("Groq key", "gsk_", r"[A-Za-z0-9]{32,}"),
    _key("xAI key", "xai-", r"[A-Za-z0-9]{32,}"),
    _key("Perplexity key", "pplx-", r"[A-Za-z0-9]{32,}"),
    _key("Hugging Face token", "hf_", r"[A-Za-z0-9]{30,}"),
    _key("Hugging Face token", "api_org_", r"[A-Za-z0-9]{30,}"),
    _key("Replicate token", "r8_", r"[A-Za-z0-9]{30,}"),
    _key("Fireworks key", "fw_", r"[A-Za-z0-9]{20,}"),
    _key("Together key", "tgp_v1_", r"[\w-]{30,}"),
    _key("Cerebras key", "csk-", r"[a-z0-9]{32,}"),
    _key("NVIDIA key", "nvapi-", r"[\w-]{40,}"),
    _key("Voyage key", "pa-", r"[A-Za-z0-9_-]{40,}"),
    _key("Jina key", "jina_", r"[\w-]{32,}"),
    _key("Tavily key", "tvly-", r"[\w-]{20,}"),
    _key("LangSmith key", "lsv2_", r"(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    _key("Pinecone key", "pcsk_", r"\w{40,}"),
    _key("ElevenLabs key", "sk_", r"[0-9a-f]{48}"),
    _key("Databricks token", "dapi", r"[0-9a-f]{32}(?:-\d)?"),
    _key("Amazon Bedrock key", "ABSK", r"[A-Za-z0-9+/]{60,}={0,2}"),
    # other services
    _key("AWS access key", "(?:AKIA|ASIA|ABIA|ACCA)", r"[A-Z0-9]{16}", "AKIA", "ASIA", "ABIA", "ACCA"),
    _key("GitHub token", "gh[pousr]_", r"[A-Za-z0-9]{36,}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _key("GitHub token", "github_pat_", r"\w{50,}"),
    _key("GitLab token", "gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-", r"[\w-]{20,}(?:\.\w+)*", *_GITLAB),
    _key("Slack token", "xox[abeoprs]-", r"[\w-]{20,}", "xox"),
    _key("Slack token", "xapp-", r"\d-[A-Za-z0-9-]{20,}"),
    (
        "Slack webhook",
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9_/]{20,})",
        ("hooks.slack.com",),
    ),
    (
        "Discord webhook",
        r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/(?P<secret>\d+/[\w-]{40,})",
        ("api/webhooks/",),
    ),
    _key("Stripe key", "[sr]k_(?:live|test)_", r"[A-Za-z0-9]{16,}", "k_live_", "k_test_"),
    _key("webhook secret", "whsec_", r"[A-Za-z0-9+/=]{24,}"),
    _key("SendGrid key", r"SG\.", r"[\w-]{20,}\.[\w-]{40,}", "SG."),
    _key("Mailgun key", "key-", r"[0-9a-f]{32}"),
    _key("npm token", "npm_", r"[A-Za-z0-9]{36}"),
    _key("PyPI token", "pypi-", r"Ag[\w-]{50,}", "pypi-Ag"),
    _key("DigitalOcean token", "do[opr]_v1_", r"[0-9a-f]{64}", "dop_v1_", "doo_v1_", "dor_v1_"),
    _key("Docker token", "dckr_", r"[po]at_[\w-]{20,}"),
    _key("Telegram bot token", r"\d{8,10}:AA", r"[\w-]{33}", ":AA"),
    _key("Shopify token", "shp(?:at|ca|pa|ss|ua)_", r"[0-9a-f]{32}", "shpat_", "shpca_", "shppa_", "shpss_", "shpua_"),
    _key("Linear key", "lin_", r"(?:api|oauth)_[A-Za-z0-9]{32,}"),
    _key("Notion token", "ntn_", r"[A-Za-z0-9]{40,}"),
    _key("Figma token", "fig[a-z]_", r"[\w-]{36,}", "figd_", "figo_", "figr_"),
    _key("Supabase key", "sbp_", r"[0-9a-f]{40}"),
    _key("Supabase key", "sb_secret_", r"[\w-]{20,}"),
    _key("Grafana token", "gl(?:sa|c)_", r"[\w+/=]{32,}", "glsa_", "glc_"),
    _key("Vault token", r"hv[sbr]\.", r"[\w-]{24,}", "hvs.", "hvb.", "hvr."),
    _key("Doppler token", r"dp\.", r"(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{30,}", "dp."),
    _key("Postman key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{30,}"),
    _key("Atlassian token", "ATATT3", r"[\w=-]{60,}"),
    _key("Square token", "sq0(?:atp|csp)-", r"[\w-]{22,}", "sq0atp-", "sq0csp-"),
    _key("JSON Web Token", "eyJ", r"[\w-]{10,500}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    (
        "password in a URL",
        r"[a-z][a-z0-9+.-]{0,30}://[^\s:/@\"'`<>]{1,100}:(?P<secret>[^\s/@\"'`<>]{6,200})@[\w.\[-]",
        ("://",),
    ),
)
"""For each form its kind, its pattern, and hints: one of them is in each text that has a match.

What stands before a fixed piece of a form has a greatest length, or a long text would be looked through again from each
of its characters.
"""

Named = tuple[str, tuple[str, ...], str, str]

NAMED: tuple[Named, ...] = (
    ("password", ("password", "passwd", "passphrase", "pwd"), "", f"s?{_IS}{_VALUE}"),
    ("authorization", ("authorization",), "", rf"{_IS}(?:bearer|basic|token)\s+(?P<secret>[\w.~+/=-]{{16,}})"),
    ("authorization", ("bearer",), "", r"\s+(?P<secret>[\w.~+/=-]{20,})"),
    ("secret", ("secret", "token", "credential", "credentials"), "", f"s?{_IS}{_VALUE}"),
    (
        "secret",
        ("key", "key_id", "keyid"),
        r"(?:api|access|secret|private|auth|account|client|encryption|signing|master|service|license|shared)[_ -]?$",
        f"s?{_IS}{_VALUE}",
    ),
)
"""For each telling name its kind, the words, what stands before them, and what stands after them, in any case."""
