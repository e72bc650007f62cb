"""Where known vulnerabilities come from in a run, and whether anything answers there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import httpx

PUBLIC = "https://api.osv.dev/v1/query"
QUERY = "/v1/query"
OTHERS = "--advisories PATH|URL, or [advisories] source in readiness.toml: docs/how-to/offline.md"
_KNOWN = {"package": {"name": "jinja2", "ecosystem": "PyPI"}, "version": "2.4.1"}


def is_url(source: str) -> bool:
    """Whether this is asked over the network; everything else is a path."""
    return source.startswith(("http://", "https://"))


def query_url(service: str) -> str:
    """The URL to which questions are posted, of a service that is named with it or without."""
    return service if service.endswith(QUERY) else service.rstrip("/") + QUERY


def source_of(target: Path) -> str:
    """What a run of this readiness.toml asks when the command line names nothing else; the public service where it, or a
    file that can be read, does not say."""
    try:
        said = tomllib.loads(target.read_text(encoding="utf-8"))["advisories"]["source"]
    except (OSError, KeyError, TypeError, ValueError):
        return PUBLIC
    return said if isinstance(said, str) and said else PUBLIC


def lacking(source: str, folder: Path, timeout_s: float) -> str:
    """What is wrong with this source, paths from `folder`, empty when data can be had from it. Fetches no whole archive."""
    if not is_url(source):
        return "" if (folder / source).exists() else f"there are no advisories at {source}"
    url = source if source.endswith(".zip") else query_url(source)
    try:
        if url.endswith(".zip"):
            with httpx.stream("GET", url, timeout=timeout_s, follow_redirects=True) as begun:
                return "" if begun.status_code == 200 else f"{url} answers {begun.status_code}"
        answer = httpx.post(url, json=_KNOWN, timeout=timeout_s)
        known = answer.json().get("vulns", []) if answer.is_success else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError) as error:
        return f"{url} does not answer: {type(error).__name__}"
    if known is None:
        return f"{url} answers {answer.status_code}"
    # A service that does not know this one knows nothing: its silence is no pass.
    return "" if known else f"{url} does not know a package that is known to be vulnerable"
